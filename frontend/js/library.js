/** The user's own palettes and looks, kept under names in this browser. */

import { stored } from "./storage.js";

const listeners = new Set();

const read = (kind) => stored("localStorage", (storage) => JSON.parse(storage.getItem(kind))) ?? {};

function write(kind, all) {
	const isKept = stored("localStorage", (storage) => (storage.setItem(kind, JSON.stringify(all)), true)) ?? false;
	if (isKept) for (const listener of listeners) listener(kind);
	return isKept;
}

/** Kinds: "palettes" (name → colours) and "looks" (name → options). */
export const library = {
	all: (kind) => Object.entries(read(kind)),
	/** → whether the value could be stored. */
	put: (kind, name, value) => write(kind, { ...read(kind), [name]: value }),
	remove(kind, name) {
		const { [name]: _, ...others } = read(kind);
		write(kind, others);
	},
	onchange: (listener) => listeners.add(listener),
};
