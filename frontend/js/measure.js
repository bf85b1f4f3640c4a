/** Numbers about a result. */

const SEEN_AT = 4; // a side, in pixels, of what the eye takes together
/** The light of each code value of sRGB (IEC 61966-2-1), and back. */
const LIGHT = Array.from({ length: 256 }, (_, code) => (code > 10 ? ((code / 255 + 0.055) / 1.055) ** 2.4 : code / 255 / 12.92));
const codeOf = (light) => 255 * (light > 0.0031308 ? 1.055 * light ** (1 / 2.4) - 0.055 : 12.92 * light);

/**
 * How alike two pictures are from a distance: peak signal-to-noise ratio, in dB, of the mean light of
 * small squares. Both are of the whole; `shown` has the size that `part` says.
 */
export function likeness(shown, original, { shown_width: width, shown_height: height }) {
	return psnr(fromAfar(pixelsOf(shown, width, height), width), fromAfar(pixelsOf(original, width, height), width));
}

/** Squares of pixels, each averaged as the eye does it: the light, not its code. RGB, and a 0. */
function fromAfar(rgba, width) {
	const columns = Math.ceil(width / SEEN_AT);
	const rows = Math.ceil(rgba.length / 4 / width / SEEN_AT);
	const squares = new Float64Array(columns * rows * 4); // sums of R, G, B, and the number of pixels
	for (let i = 0; i < rgba.length; i += 4) {
		const y = Math.floor(i / 4 / width);
		const x = i / 4 - y * width;
		const at = 4 * (Math.floor(y / SEEN_AT) * columns + Math.floor(x / SEEN_AT));
		for (const c of [0, 1, 2]) squares[at + c] += LIGHT[rgba[i + c]];
		squares[at + 3] += 1;
	}
	return squares.map((sum, i) => (i % 4 === 3 ? 0 : codeOf(sum / squares[i | 3])));
}

/** Peak signal-to-noise ratio of two RGBA arrays, in dB; Infinity when equal. */
function psnr(one, other) {
	let sum = 0;
	for (let i = 0; i < one.length; i += 1) if (i % 4 < 3) sum += (one[i] - other[i]) ** 2;
	return 10 * Math.log10((255 * 255 * one.length * 0.75) / sum);
}

/** RGBA of a bitmap at a size. */
function pixelsOf(bitmap, width, height) {
	const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
	context.imageSmoothingQuality = "high";
	context.drawImage(bitmap, 0, 0, width, height);
	return context.getImageData(0, 0, width, height).data;
}
