import assert from "node:assert/strict";
import test from "node:test";

import { cropAt, cropOf, shapeOf, turnsOf } from "../../frontend/js/crop.js";
import { previewOptions, savedSize } from "../../frontend/js/output.js";

const PHOTO = { width: 4000, height: 3000, frames: 1 };
const PANEL = { width: 800, height: 480, fit: "cover", rotate: "auto" };
const UPRIGHT = { ...PANEL, width: 480, height: 800 };

test("a panel shows the largest middle part of its own shape", () => {
	assert.deepEqual(cropOf(PANEL, PHOTO), { x: 0, y: 0.09999999999999998, w: 1, h: 0.8 });
	assert.deepEqual(savedSize(PANEL, PHOTO), { width: 800, height: 480 });
});

test("a photograph is turned for a panel of the other orientation", () => {
	assert.equal(turnsOf(PANEL, PHOTO), 0);
	assert.equal(turnsOf(UPRIGHT, PHOTO), 1);
	assert.equal(turnsOf({ ...UPRIGHT, rotate: "270" }, PHOTO), 3);
	assert.equal(turnsOf({ rotate: "auto" }, PHOTO), 0);
	assert.deepEqual(cropOf(UPRIGHT, PHOTO), cropOf(PANEL, PHOTO));
});

test("a crop by hand keeps the shape and stays inside the picture", () => {
	assert.equal(cropAt(PANEL, PHOTO, 2, { x: 0.5, y: 0.5 }), "25%,30%,50%,40%");
	assert.equal(cropAt(PANEL, PHOTO, 2, { x: 0.9, y: -1 }), "50%,0%,50%,40%");
	assert.deepEqual(cropOf({ ...PANEL, crop: "25%,30%,50%,40%" }, PHOTO), { x: 0.25, y: 0.3, w: 0.5, h: 0.4 });
});

test("sizes are the engine's for any fit", () => {
	assert.deepEqual(shapeOf({ crop: "0,0,50%,1500", rotate: "90" }, PHOTO), { width: 1500, height: 2000 });
	assert.deepEqual(savedSize({ crop: "0,0,50%,1500", rotate: "90", width: 150 }, PHOTO), { width: 150, height: 200 });
	assert.deepEqual(savedSize({ width: 400, height: 400, fit: "contain" }, PHOTO), { width: 400, height: 300 });
});

test("the screen shows a panel's own colours, or those of its file", () => {
	const options = { ...PANEL, palette: "spectra-6", colours: "device", format: "raw", panel: "x" };
	const { panel, ...engine } = options;
	assert.deepEqual(previewOptions(options, PHOTO), { ...engine, colours: "measured", format: "png" });
	assert.equal(previewOptions({ ...options, inks: "device" }, PHOTO).colours, "device");
	assert.deepEqual(previewOptions({ palette: "gray" }, PHOTO), { palette: "gray" });
});
