/** Undo and redo of the options. Quick changes of one slider count as one step. */

const TOGETHER_MS = 700;

export function createHistory(initial) {
	const past = [];
	const future = [];
	let present = initial;
	let last = { key: null, at: -Infinity };

	function step(from, to) {
		if (from.length === 0) return;
		to.push(present);
		present = from.pop();
		last.key = null;
	}

	return {
		state: () => ({ options: present, canUndo: past.length > 0, canRedo: future.length > 0 }),
		undo: () => step(past, future),
		redo: () => step(future, past),

		/** `key` names what is being changed: quick changes of the same key make one step. */
		push(options, key = null) {
			if (JSON.stringify(options) === JSON.stringify(present)) return;
			const now = performance.now();
			const together = key !== null && key === last.key && now - last.at < TOGETHER_MS;
			if (!together) past.push(present);
			present = options;
			future.length = 0;
			last = { key, at: now };
		},
	};
}
