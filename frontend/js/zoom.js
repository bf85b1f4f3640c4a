/** Zoom arithmetic. A zoom is device pixels per picture pixel; whole numbers keep pixels square. */

/** The side of a picture in whole pixels, at least 1; halves are rounded to even, as in the engine. */
export const pixels = (length) => Math.max(1, length % 1 === 0.5 ? 2 * Math.round(length / 2) : Math.round(length));

const STEPS = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32];

/** The largest whole zoom at which `size` fits into `room` (CSS pixels); exact below 1. */
export function fitZoom(size, room, ratio) {
	const zoom = Math.min((room.width * ratio) / size.width, (room.height * ratio) / size.height);
	return zoom >= 1 ? Math.min(Math.floor(zoom), 32) : zoom;
}

/** The next step up (direction 1) or down (−1), never below the fitted zoom. */
export function nextZoom(zoom, direction, fitted) {
	const steps = [fitted, ...STEPS.filter((step) => step > fitted)];
	if (direction > 0) return steps.find((step) => step > zoom + 0.001) ?? zoom;
	return steps.findLast((step) => step < zoom - 0.001) ?? fitted;
}

/**
 * The position of the picture in the viewport. `x`, `y`: the offset of its middle from the viewport's
 * middle, limited so that no edge of a larger picture comes inside the viewport.
 */
export function place(size, zoom, ratio, { x, y }, box) {
	// Whole screen pixels, so that the picture's pixels stay square.
	const width = Math.max(1, Math.round(size.width * zoom)) / ratio;
	const height = Math.max(1, Math.round(size.height * zoom)) / ratio;
	const bound = (offset, length, room) => {
		const most = Math.max(0, (length - room) / 2);
		return Math.min(Math.max(offset, -most), most);
	};
	const at = { x: bound(x, width, box.width), y: bound(y, height, box.height), width, height };
	at.left = Math.round(((box.width - width) / 2 + at.x) * ratio) / ratio;
	at.top = Math.round(((box.height - height) / 2 + at.y) * ratio) / ratio;
	return at;
}

/**
 * The part of the picture that a viewport shows: {x, y, width, height} in pixels of the picture, and
 * shown_width, shown_height, the pixels to show it with: at most `most` per side, and never more than
 * the part has in the picture. `at`: from `place`; `margin`: how much more on each side, in
 * viewports. Null if nothing is visible.
 */
export function visiblePart(size, at, box, ratio, { margin = 0, most = 4096 } = {}) {
	const across = span(size.width, at.left, at.width, box.width, margin);
	const down = span(size.height, at.top, at.height, box.height, margin);
	if (across.length <= 0 || down.length <= 0) return null;
	const level = Math.min(1, (at.width * ratio) / size.width, most / across.length, most / down.length);
	return {
		x: across.from,
		y: down.from,
		width: across.length,
		height: down.length,
		shown_width: Math.max(1, Math.round(across.length * level)),
		shown_height: Math.max(1, Math.round(down.length * level)),
	};
}

function span(pixels, start, length, room, margin) {
	const perPixel = length / pixels;
	const from = Math.max(0, Math.floor((-start - margin * room) / perPixel));
	const to = Math.min(pixels, Math.ceil((room - start + margin * room) / perPixel));
	return { from, length: to - from };
}

/** Whether `one` shows everything that `other` shows, with at least the same detail. */
export function covers(one, other) {
	const isInside = one.x <= other.x && one.y <= other.y && one.x + one.width >= other.x + other.width && one.y + one.height >= other.y + other.height;
	return isInside && isAlike(one.shown_width / one.width, other.shown_width / other.width);
}

/** Equal except for the small differences from rounding to whole pixels. */
const isAlike = (one, other) => Math.abs(one - other) < 0.002 + 0.01 * other;
