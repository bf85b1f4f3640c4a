import assert from "node:assert/strict";
import test from "node:test";

import { covers, fitZoom, nextZoom, pixels, place, visiblePart } from "../../frontend/js/zoom.js";

const BOX = { width: 800, height: 600 };
const PHOTO = { width: 4000, height: 3000 };

test("a half is rounded to the even number, as the engine does it", () => {
	assert.deepEqual([2.5, 3.5, 2.4, 2.6, 0.2].map(pixels), [2, 4, 2, 3, 1]);
});

test("a small picture is fitted by a whole zoom, a large one exactly", () => {
	assert.equal(fitZoom({ width: 100, height: 100 }, BOX, 1), 6);
	assert.equal(fitZoom(PHOTO, BOX, 1), 0.2);
	assert.equal(fitZoom(PHOTO, BOX, 2), 0.4);
});

test("zoom steps never go below the fitted zoom", () => {
	assert.equal(nextZoom(0.2, 1, 0.2), 1);
	assert.equal(nextZoom(1, -1, 0.2), 0.2);
	assert.equal(nextZoom(0.2, -1, 0.2), 0.2);
	assert.equal(nextZoom(32, 1, 0.2), 32);
});

test("no edge of a larger picture comes inside the viewport", () => {
	const at = place(PHOTO, 1, 1, { x: 99_999, y: -99_999 }, BOX);
	assert.deepEqual([at.left, at.top], [0, 600 - 3000]);
});

test("a fitted picture has whole pixels of the screen", () => {
	for (const ratio of [1, 1.25, 2, 3]) {
		const at = place({ width: 3001, height: 1999 }, 0.2113, ratio, { x: 0, y: 0 }, BOX);
		for (const length of [at.width, at.height, at.left, at.top]) {
			assert.ok(Math.abs(length * ratio - Math.round(length * ratio)) < 1e-9, `${length} × ${ratio}`);
		}
	}
});

test("the whole of a fitted picture is seen, with the pixels of the screen", () => {
	const at = place(PHOTO, 0.2, 2, { x: 0, y: 0 }, BOX);
	assert.deepEqual(visiblePart(PHOTO, at, BOX, 2), { x: 0, y: 0, width: 4000, height: 3000, shown_width: 800, shown_height: 600 });
});

test("at full size the part is as large as the viewport, in pixels of the picture", () => {
	const at = place(PHOTO, 1, 1, { x: 0, y: 0 }, BOX);
	assert.deepEqual(visiblePart(PHOTO, at, BOX, 1), { x: 1600, y: 1200, width: 800, height: 600, shown_width: 800, shown_height: 600 });
});

test("a magnified picture needs no more pixels than it has", () => {
	const at = place(PHOTO, 8, 1, { x: 0, y: 0 }, BOX);
	const part = visiblePart(PHOTO, at, BOX, 1);
	assert.deepEqual([part.width, part.height, part.shown_width, part.shown_height], [100, 76, 100, 76]);
});

test("a part lies within the picture and covers what is seen, at any zoom and place", () => {
	for (const zoom of [0.2, 0.37, 1, 2, 3, 8, 32]) {
		for (const [x, y] of [[0, 0], [333, -77], [-9000, 9000]]) {
			const at = place(PHOTO, zoom, 1, { x, y }, BOX);
			const part = visiblePart(PHOTO, at, BOX, 1);
			const around = visiblePart(PHOTO, at, BOX, 1, { margin: 0.5 });
			assert.ok(part.x >= 0 && part.y >= 0);
			assert.ok(part.x + part.width <= 4000 && part.y + part.height <= 3000);
			assert.ok(at.left + (part.x * at.width) / 4000 <= Math.max(0, at.left));
			assert.ok(covers(around, part), `${zoom} ${x} ${y}`);
			assert.ok(part.shown_width <= part.width && part.shown_height <= part.height);
		}
	}
});

test("a coarser part does not do for a finer one", () => {
	const whole = { x: 0, y: 0, width: 100, height: 100, shown_width: 50, shown_height: 50 };
	assert.ok(covers(whole, whole));
	assert.ok(!covers(whole, { ...whole, shown_width: 100 }));
	assert.ok(!covers({ ...whole, width: 90 }, whole));
});

test("a part is never shown with more pixels than the service gives", () => {
	const wide = { width: 20_000, height: 100 };
	const at = place(wide, 1, 1, { x: 0, y: 0 }, { width: 9000, height: 600 });
	assert.equal(visiblePart(wide, at, { width: 9000, height: 600 }, 1).shown_width, 4096);
});
