/** A queue that works on a few items at a time, and can be stopped and continued. */

const TRIES = 6;
const WAIT_SECONDS = 2; // before a retry, if the service does not say how long

/**
 * `work(item, signal)`: returns a promise of an item's result. `onchange()` after every change.
 * Items get `state`: "waiting", "working", "done" (with `result`) or "failed" (with `error`).
 * `wait(seconds, signal)` is for tests.
 */
export function createQueue(work, { parallel = 2, onchange = () => {}, wait = pause } = {}) {
	const items = [];
	let abort = null; // the AbortController of the current run
	let workers = 0;

	const next = () => items.find(({ state }) => state === "waiting");

	function change(item, changes) {
		Object.assign(item, changes);
		onchange();
	}

	async function attempt(item, signal) {
		for (let tries = 1; ; tries += 1) {
			try {
				return await work(item, signal);
			} catch (error) {
				const isPassing = error.kind === "limited" || error.kind === "busy";
				if (!isPassing || tries === TRIES || signal.aborted) throw error;
				await wait(error.retryAfter ?? WAIT_SECONDS, signal);
			}
		}
	}

	async function one(item, signal) {
		const turn = {};
		change(item, { state: "working", error: null, turn });
		try {
			const result = await attempt(item, signal);
			if (item.turn === turn) change(item, { state: "done", result });
		} catch (error) {
			if (item.turn !== turn) return; // `renew` was called for the item meanwhile
			if (signal.aborted) change(item, { state: "waiting" });
			else change(item, { state: "failed", error });
			if (error.kind === "offline") stop(); // the others would fail as well
		}
	}

	async function worker(signal) {
		workers += 1;
		for (let item = next(); item && !signal.aborted; item = next()) await one(item, signal);
		workers -= 1;
		if (workers === 0) onchange();
	}

	/** Works on waiting items, and once more on failed ones. Resolves when no work is left. */
	async function start() {
		if (abort && !abort.signal.aborted && workers > 0) return;
		abort = new AbortController();
		for (const item of items) if (item.state === "failed") item.state = "waiting";
		await Promise.all(Array.from({ length: parallel }, () => worker(abort.signal)));
	}

	function stop() {
		abort?.abort();
		onchange();
	}

	return {
		items,
		start,
		stop,

		add(item) {
			items.push(Object.assign(item, { state: "waiting", result: null, error: null, turn: null }));
			onchange();
		},

		remove(item) {
			items.splice(items.indexOf(item), 1);
			item.turn = null;
			onchange();
		},

		/** The results of these items are out of date: they wait again. */
		renew(some) {
			for (const item of some) Object.assign(item, { state: "waiting", result: null, error: null, turn: null });
			onchange();
		},

		get isRunning() {
			return workers > 0 && !abort.signal.aborted;
		},

		/** The number of items in each state. */
		counts() {
			const counts = { waiting: 0, working: 0, done: 0, failed: 0 };
			for (const { state } of items) counts[state] += 1;
			return counts;
		},
	};
}

function pause(seconds, signal) {
	return new Promise((resolve) => {
		const timer = setTimeout(resolve, seconds * 1000);
		signal.addEventListener("abort", () => (clearTimeout(timer), resolve()));
	});
}
