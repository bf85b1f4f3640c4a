/** The user's own palettes and looks, kept under names in this browser. */

const listeners = new Set();

/** Private windows may block storage: then nothing is kept. */
function read(kind) {
	try {
		return JSON.parse(localStorage.getItem(kind)) ?? {};
	} catch {
		return {};
	}
}

function write(kind, all) {
	try {
		localStorage.setItem(kind, JSON.stringify(all));
	} catch {
		return false;
	}
	for (const listener of listeners) listener(kind);
	return true;
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
