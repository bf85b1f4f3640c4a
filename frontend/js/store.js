/** The state of the page: named values, and listeners that are called when they change. */

/** The values are properties, to be read; only `set` changes them. */
export class Store {
	#listeners = new Map();

	constructor(initial) {
		Object.assign(this, initial);
	}

	/** Sets values, then tells each listener of a changed key once. */
	set(changes) {
		const changed = Object.keys(changes).filter((key) => !Object.is(this[key], changes[key]));
		Object.assign(this, changes);
		const listeners = changed.flatMap((key) => this.#listeners.get(key) ?? []);
		for (const listener of new Set(listeners)) listener();
	}

	on(keys, listener) {
		for (const key of keys) this.#listeners.set(key, [...(this.#listeners.get(key) ?? []), listener]);
	}
}
