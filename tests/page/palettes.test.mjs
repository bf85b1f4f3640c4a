import assert from "node:assert/strict";
import test from "node:test";

import { coloursIn, lospecName, WRITERS } from "../../frontend/js/palette-files.js";

const COLOURS = ["#1a1c2c", "#b13e53", "#00ff7f", "#ffffff"];

for (const extension of ["hex", "gpl", "pal", "txt"]) {
	test(`what is written as ${extension} can be pasted again`, () => {
		assert.deepEqual(coloursIn(WRITERS[extension]("My palette", COLOURS)), COLOURS);
	});
}

test("colours as people write them", () => {
	assert.deepEqual(coloursIn("#1a1c2c, B13E53 #abc"), ["#1a1c2c", "#b13e53", "#aabbcc"]);
	assert.deepEqual(coloursIn("rgb(1, 2, 3) rgba(4 5 6 / 50%)\nrgb(100%, 0%, 50%)"), ["#010203", "#040506", "#ff0080"]);
	assert.deepEqual(coloursIn("255 0 0 red\n0 0 255\tblue"), ["#ff0000", "#0000ff"]);
});

test("what only looks like a colour is none", () => {
	assert.deepEqual(coloursIn(".bad { color: #f00 } .add-button, #fed-up { top: 1px }"), ["#ff0000"]);
	assert.deepEqual(coloursIn("177 add fff"), []);
	assert.deepEqual(coloursIn("300 0 0"), []);
});

test("a name in a GIMP palette is not a colour", () => {
	assert.deepEqual(coloursIn("GIMP Palette\nName: bad add\n#\n 26  28  44\tdecade\n"), ["#1a1c2c"]);
});

test("the name in an address at Lospec", () => {
	assert.equal(lospecName("see https://lospec.com/palette-list/sweetie-16 !"), "sweetie 16");
	assert.equal(lospecName("#ffffff"), null);
});
