/** Thumbnails of files, made one at a time and only when visible, because decoding takes memory. */

import { h } from "./dom.js";

const SIZE = 72; // CSS pixels, the longer side
const waiting = [];
let working = false;

const seen = new IntersectionObserver((entries) => {
	for (const { target, isIntersecting } of entries) {
		if (!isIntersecting) continue;
		seen.unobserve(target);
		waiting.push(target);
		work();
	}
});

/** A canvas that shows `file` once the canvas is visible. */
export function thumbnail(file) {
	const canvas = h("canvas.thumbnail", { "aria-hidden": "true", width: SIZE, height: SIZE });
	canvas.file = file;
	seen.observe(canvas);
	return canvas;
}

async function work() {
	if (working || waiting.length === 0) return;
	working = true;
	const canvas = waiting.shift();
	const side = SIZE * Math.min(2, window.devicePixelRatio || 1);
	// The canvas stays empty if the browser cannot read the file.
	const bitmap = await createImageBitmap(canvas.file, { resizeHeight: side, resizeQuality: "medium" }).catch(() => null);
	if (bitmap) {
		Object.assign(canvas, { width: side, height: side });
		canvas.getContext("2d").drawImage(bitmap, (side - bitmap.width) / 2, 0);
		bitmap.close();
	}
	working = false;
	work();
}
