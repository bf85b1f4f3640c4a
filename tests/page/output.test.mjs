import assert from "node:assert/strict";
import test from "node:test";

import { engineOptions, patternSize, savedSize, sizeProblem } from "../../frontend/js/output.js";

const PHOTO = { width: 4000, height: 3000, frames: 1 };
const ICON = { width: 64, height: 64, frames: 1 };

test("a look is as coarse on a photograph as on an icon", () => {
	assert.equal(patternSize({ across: 160 }, PHOTO), 25);
	assert.equal(patternSize({ across: 160 }, ICON), 1);
	assert.equal(patternSize({ across: 8 }, { width: 9000, height: 10 }), 32);
});

test("the pattern becomes width and scale, and the size stays about the same", () => {
	assert.deepEqual(engineOptions({ algorithm: "bayer-4", across: 160 }, PHOTO), { algorithm: "bayer-4", width: 160, height: undefined, scale: 25 });
	assert.deepEqual(savedSize({ across: 160 }, PHOTO), { width: 4000, height: 3000 });
	assert.deepEqual(savedSize({ pattern: 3 }, PHOTO), { width: 3999, height: 3000 });
});

test("the pattern divides a width that was asked for", () => {
	assert.deepEqual(savedSize({ width: 1000, pattern: 4 }, PHOTO), { width: 1000, height: 752 });
	assert.equal(engineOptions({ width: 1000, height: 500, pattern: 4 }, PHOTO).height, 125);
});

test("options of the engine alone stay as they are", () => {
	const options = { width: 160, scale: 4, palette: "gray" };
	assert.deepEqual(engineOptions(options, PHOTO), options);
	assert.equal(patternSize(options, PHOTO), 4);
	assert.deepEqual(savedSize(options, PHOTO), { width: 640, height: 480 });
});

test("what moves is not saved as PNG unless it is asked for", () => {
	const moving = { ...PHOTO, frames: 12 };
	assert.equal(engineOptions({}, moving).format, "gif");
	assert.equal(engineOptions({ channels: 7 }, moving).format, "webp");
	assert.equal(engineOptions({ channels: 7, palette: "gameboy" }, moving).format, "gif");
	assert.equal(engineOptions({ format: "png" }, moving).format, "png");
	assert.equal(engineOptions({}, PHOTO).format, undefined);
});

test("what is too large is said before it is sent", () => {
	const catalogue = { limits: { max_pixels: 50e6 } };
	assert.match(sizeProblem({ source: PHOTO, options: { scale: 10 }, catalogue }), /40000 × 30000 pixels are too many/);
	assert.equal(sizeProblem({ source: PHOTO, options: {}, catalogue }), null);
	assert.equal(sizeProblem({ source: { width: null }, options: {}, catalogue }), null);
});
