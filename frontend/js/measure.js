/** Numbers about a result, computed from its pixels. */

import { pixels } from "./zoom.js";

const SEEN_AT = 4; // pixels that the eye takes together, for PSNR as seen
const MOST = 256;

/** → {colours: {count, all: [{hex, share}]}, psnr, seen}; the two last are null without an original. */
export function measure(result, original) {
	const { bitmap, width, height } = result;
	const shown = pixelsOf(bitmap, width, height);
	const colours = countColours(shown);
	if (!original) return { colours, psnr: null, seen: null };
	const small = [width, height].map((side) => pixels(side / SEEN_AT));
	return {
		colours,
		psnr: psnr(shown, pixelsOf(original, width, height)),
		seen: psnr(pixelsOf(bitmap, ...small), pixelsOf(original, ...small)),
	};
}

/** Most frequent first, of which at most MOST are listed. */
function countColours(shown) {
	const counts = new Map();
	for (const word of new Uint32Array(shown.buffer)) counts.set(word, (counts.get(word) ?? 0) + 1);
	const opaque = [...counts].filter(([word]) => word >>> 24 !== 0);
	const total = opaque.reduce((sum, [, count]) => sum + count, 0) || 1;
	const all = opaque
		.sort((one, other) => other[1] - one[1])
		.slice(0, MOST)
		.map(([word, count]) => ({ hex: hex(word), share: count / total }));
	return { count: opaque.length, all };
}

/** Of a little-endian RGBA word. */
function hex(word) {
	return `#${[0, 8, 16].map((shift) => ((word >>> shift) & 255).toString(16).padStart(2, "0")).join("")}`;
}

/** Peak signal-to-noise ratio of two RGBA arrays of one size, in dB; Infinity when equal. */
function psnr(one, other) {
	let sum = 0;
	for (let i = 0; i < one.length; i += 4) {
		const r = one[i] - other[i];
		const g = one[i + 1] - other[i + 1];
		const b = one[i + 2] - other[i + 2];
		sum += r * r + g * g + b * b;
	}
	return 10 * Math.log10((255 * 255 * one.length * 0.75) / sum);
}

/** RGBA of a bitmap at a size; smoothed when that is another than its own. */
function pixelsOf(bitmap, width, height) {
	const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
	context.imageSmoothingQuality = "high";
	context.drawImage(bitmap, 0, 0, width, height);
	return context.getImageData(0, 0, width, height).data;
}
