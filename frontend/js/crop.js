/** The part of the picture that is used: crop and rotation, as the engine applies them. */

import { pixels } from "./zoom.js";

/** Quarter turns clockwise; for "auto" one where only one of picture and frame is upright. */
export function turnsOf({ rotate = "0", width, height }, source) {
	if (rotate !== "auto") return Number(rotate) / 90;
	return Number(Boolean(width && height) && (source.width - source.height) * (width - height) < 0);
}

/** The crop in shares of the picture: {x, y, w, h}; without one, the middle in the shape of width × height. */
export function cropOf(options, source) {
	const { crop, width, height } = options;
	if (crop) {
		const [x, y, w, h] = crop.split(",").map((length, i) => parseFloat(length) / (length.endsWith("%") ? 100 : i % 2 ? source.height : source.width));
		return { x, y, w, h };
	}
	const shape = turnsOf(options, source) % 2 ? height / width : width / height;
	const across = (shape * source.height) / source.width;
	const [w, h] = [Math.min(1, across), Math.min(1, 1 / across)];
	return { x: (1 - w) / 2, y: (1 - h) / 2, w, h };
}

/** The option for a crop that is `zoom` times smaller than the largest, around a middle as near to x, y as possible. */
export function cropAt(options, source, zoom, { x, y }) {
	const largest = cropOf({ ...options, crop: null }, source);
	const [w, h] = [largest.w / zoom, largest.h / zoom];
	const start = (middle, length) => Math.min(Math.max(middle - length / 2, 0), 1 - length);
	return [start(x, w), start(y, h), w, h].map((share) => `${Number((share * 100).toFixed(3))}%`).join();
}

/** The size in pixels of the cropped and turned picture. */
export function shapeOf(options, source) {
	const { w, h } = options.crop ? cropOf(options, source) : { w: 1, h: 1 };
	const [width, height] = [pixels(source.width * w), pixels(source.height * h)];
	return turnsOf(options, source) % 2 ? { width: height, height: width } : { width, height };
}
