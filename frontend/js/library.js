/** Named things of one's own, kept in this browser: palettes and looks. */

const listeners = new Set();

/** Private windows may forbid it: then nothing is kept. */
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
	/** → whether it could be kept. */
	put: (kind, name, value) => write(kind, { ...read(kind), [name]: value }),
	remove(kind, name) {
		const { [name]: _, ...others } = read(kind);
		write(kind, others);
	},
	onchange: (listener) => listeners.add(listener),
};
