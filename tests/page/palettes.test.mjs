import assert from "node:assert/strict";
import test from "node:test";

import { coloursIn, coloursOfFile, lospecName, WRITERS } from "../../frontend/js/palette-files.js";

const COLOURS = ["#1a1c2c", "#b13e53", "#00ff7f", "#ffffff"];
const bytes = (content) => (typeof content === "string" ? new TextEncoder().encode(content) : content);

for (const [extension, write] of Object.entries(WRITERS)) {
	test(`what is written as ${extension} is read again`, () => {
		assert.deepEqual(coloursOfFile(bytes(write("My palette", COLOURS))), COLOURS);
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

test("Microsoft's palette is read", () => {
	const file = new Uint8Array(32);
	const view = new DataView(file.buffer);
	file.set(bytes("RIFF"), 0);
	file.set(bytes("PAL data"), 8);
	view.setUint32(16, 12, true);
	view.setUint16(20, 0x300, true);
	view.setUint16(22, 2, true);
	file.set([1, 2, 3, 0, 255, 128, 0, 0], 24);
	assert.deepEqual(coloursOfFile(file), ["#010203", "#ff8000"]);
});

test("a file that is cut short gives what is there, or nothing", () => {
	const ase = WRITERS.ase("x", COLOURS);
	assert.ok(coloursOfFile(ase.slice(0, 12 + 4)).length === 0);
	assert.deepEqual(coloursOfFile(new Uint8Array()), []);
});

test("the name in an address at Lospec", () => {
	assert.equal(lospecName("see https://lospec.com/palette-list/sweetie-16 !"), "sweetie 16");
	assert.equal(lospecName("#ffffff"), null);
});
