/** Zoom arithmetic. A zoom is device pixels per picture pixel; whole numbers keep pixels square. */

/** A side of a picture: whole pixels, at least one; a half goes to the even one, as in the engine. */
export const pixels = (length) => Math.max(1, length % 1 === 0.5 ? 2 * Math.round(length / 2) : Math.round(length));

const STEPS = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32];

/** By rounding, a picture for the room may be a pixel too large: it is shown one to one. */
const NEARLY_ONE = 0.985;

/** The largest whole zoom at which `size` fits into `room` (CSS pixels); exact below 1. */
export function fitZoom(size, room, ratio) {
	const zoom = Math.min((room.width * ratio) / size.width, (room.height * ratio) / size.height);
	return zoom >= NEARLY_ONE ? Math.min(Math.max(Math.floor(zoom), 1), 32) : zoom;
}

/** The next step up (direction 1) or down (−1), never below the fitted zoom. */
export function nextZoom(zoom, direction, fitted) {
	const steps = [fitted, ...STEPS.filter((step) => step > fitted)];
	if (direction > 0) return steps.find((step) => step > zoom + 0.001) ?? zoom;
	return steps.findLast((step) => step < zoom - 0.001) ?? fitted;
}

/**
 * Where the picture lies in the viewport. `x`, `y`: its middle off the viewport's middle; kept so
 * that no edge of a larger picture comes inside the viewport.
 */
export function place(size, factor, { x, y }, box) {
	const width = size.width * factor;
	const height = size.height * factor;
	const bound = (offset, length, room) => {
		const most = Math.max(0, (length - room) / 2);
		return Math.min(Math.max(offset, -most), most);
	};
	const at = { x: bound(x, width, box.width), y: bound(y, height, box.height), width, height };
	// Whole pixels, so that those of the picture stay square.
	at.left = Math.round((box.width - width) / 2 + at.x);
	at.top = Math.round((box.height - height) / 2 + at.y);
	return at;
}
