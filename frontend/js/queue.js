/** Work on many things, a few at a time, that can be stopped and continued. */

const TRIES = 6;
const WAIT_SECONDS = 2; // before another try, when the service does not say how long

/**
 * `work(item, signal)`: a promise of what becomes of an item. `onchange()` after every change.
 * Items get `state`: "waiting", "working", "done" (with `result`) or "failed" (with `error`).
 * `wait(seconds, signal)` is for tests.
 */
export function createQueue(work, { parallel = 2, onchange = () => {}, wait = pause } = {}) {
	const items = [];
	let abort = null; // of the run that is under way
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
			if (item.turn !== turn) return; // it was to be made anew meanwhile
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

	/** Works on what waits, and once more on what failed. Resolves when there is nothing left to do. */
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

		/** What was made of these is not good any more. */
		renew(some) {
			for (const item of some) Object.assign(item, { state: "waiting", result: null, error: null, turn: null });
			onchange();
		},

		get isRunning() {
			return workers > 0 && !abort.signal.aborted;
		},

		/** How many there are of each state. */
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
