import assert from "node:assert/strict";
import test from "node:test";

import { distinct, fileName } from "../../frontend/js/filename.js";

test("a download has the original's name and the look", () => {
	assert.equal(fileName("cat.jpg", "Newspaper", "png"), "cat-newspaper.png");
	assert.equal(fileName("My cat 2.final.JPEG", "E-ink Spectra 6", "gif"), "My cat 2.final-e-ink-spectra-6.gif");
	assert.equal(fileName("Katze", "Floyd–Steinberg", "webp"), "Katze-floyd-steinberg.webp");
	assert.equal(fileName("v1. a picture", "Poster", "png"), "v1. a picture-poster.png");
});

test("what no file may be called is replaced", () => {
	assert.equal(fileName("../../etc/passwd", "x", "png"), ".._.._etc_passwd-x.png");
	assert.equal(fileName("a\u202egpj\u0000.jpg", "x", "png"), "a_gpj_-x.png");
	assert.equal(fileName("", "", "png"), "picture-dithered.png");
});

test("each name is there once, whatever the case of its letters", () => {
	assert.deepEqual(distinct(["a.png", "A.png", "a.png", "a-2.png", "b"]), ["a.png", "A-2.png", "a-3.png", "a-2-2.png", "b"]);
});
