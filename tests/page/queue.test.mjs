import assert from "node:assert/strict";
import test from "node:test";

import { createQueue } from "../../frontend/js/queue.js";

const failure = (kind, retryAfter = null) => Object.assign(new Error(kind), { kind, retryAfter });
const noWait = async () => {};

function filled(work, options, count = 5) {
	const queue = createQueue(work, { wait: noWait, ...options });
	for (let number = 0; number < count; number += 1) queue.add({ number });
	return queue;
}

test("everything is done, no more than so many at once", async () => {
	let running = 0;
	let most = 0;
	const queue = filled(async ({ number }) => {
		most = Math.max(most, (running += 1));
		await null;
		running -= 1;
		return number * 2;
	}, { parallel: 3 }, 20);
	await queue.start();
	assert.equal(most, 3);
	assert.deepEqual(queue.items.map(({ result }) => result), Array.from({ length: 20 }, (_, i) => 2 * i));
	assert.equal(queue.isRunning, false);
});

test("one that fails leaves the others alone, and is tried again by another start", async () => {
	let isBroken = true;
	const queue = filled(async ({ number }) => {
		if (number === 2 && isBroken) throw failure("refused");
		return number;
	});
	await queue.start();
	assert.deepEqual(queue.counts(), { waiting: 0, working: 0, done: 4, failed: 1 });
	assert.equal(queue.items[2].error.kind, "refused");
	isBroken = false;
	await queue.start();
	assert.equal(queue.counts().done, 5);
});

test("a busy service is asked again, after as long as it says", async () => {
	const waits = [];
	let refusals = 2;
	const queue = filled(async () => {
		if ((refusals -= 1) >= 0) throw failure("busy", 7);
	}, { wait: async (seconds) => waits.push(seconds), parallel: 1 }, 1);
	await queue.start();
	assert.equal(queue.counts().done, 1);
	assert.deepEqual(waits, [7, 7]);
});

test("a service that stays busy fails in the end", async () => {
	const queue = filled(() => Promise.reject(failure("limited")), {}, 1);
	await queue.start();
	assert.equal(queue.counts().failed, 1);
});

test("stopped, what was under way waits again; continued, all is done", async () => {
	const queue = filled((item, signal) => new Promise((resolve, reject) => {
		if (item.number !== 1 || stopped) return resolve(item.number);
		signal.addEventListener("abort", () => reject(new Error("aborted")));
		queueMicrotask(() => (stopped = true, queue.stop()));
	}), { parallel: 1 });
	let stopped = false;
	await queue.start();
	assert.deepEqual(queue.counts(), { waiting: 4, working: 0, done: 1, failed: 0 });
	await queue.start();
	assert.equal(queue.counts().done, 5);
});

test("offline, the rest waits instead of failing", async () => {
	const queue = filled(() => Promise.reject(failure("offline")), { parallel: 1 });
	await queue.start();
	assert.deepEqual(queue.counts(), { waiting: 4, working: 0, done: 0, failed: 1 });
});

test("what was made for other options does not count", async () => {
	let finish;
	const queue = filled(() => new Promise((resolve) => (finish = resolve)), { parallel: 1 }, 1);
	const run = queue.start();
	queue.renew(queue.items);
	const stale = finish;
	stale("stale");
	await new Promise(setImmediate);
	finish("fresh");
	await run;
	assert.equal(queue.items[0].result, "fresh");
});
