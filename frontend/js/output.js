/** Converts the page's options to the engine's, and computes the size of the result. */

import { errors } from "./strings.js";
import { pixels } from "./zoom.js";

/** The largest enlargement that the engine accepts. */
const LARGEST_PATTERN = 32;
/** A GIF has 256 colours, one of which may stand for transparent. */
const GIF_COLOURS = 255;

/**
 * How many pixels of the saved picture one dot of the pattern takes. `pattern` gives this number;
 * `across` gives the number of dots along the longer side, so that a look is equally coarse on a
 * photograph and on an icon; `scale` is the engine's own option.
 */
export function patternSize(options, source) {
	if (options.across) {
		const { width, height } = asked(source, options);
		return Math.min(Math.max(1, Math.round(Math.max(width, height) / options.across)), LARGEST_PATTERN);
	}
	return options.pattern ?? options.scale ?? 1;
}

/** The engine's options: `pattern` and `across`, which are the page's own, become width and scale. */
export function engineOptions(options, source) {
	const { pattern, across, ...engine } = options;
	if (!engine.format && source.frames > 1) engine.format = motionFormat(engine);
	if (!pattern && !across) return engine;
	delete engine.scale;
	const size = patternSize(options, source);
	if (size === 1) return engine;
	const { width, height } = asked(source, options);
	return { ...engine, width: pixels(width / size), height: options.height ? pixels(height / size) : undefined, scale: size };
}

/** Size of the picture that is saved. */
export function savedSize(options, source) {
	const { width, height, scale = 1 } = engineOptions(options, source);
	const size = asked(source, { width, height });
	return { width: size.width * scale, height: size.height * scale };
}

/** Size before the enlargement, as the engine computes it. */
function asked(source, { width, height }) {
	const w = width ?? (height ? pixels((source.width * height) / source.height) : source.width);
	const h = height ?? (width ? pixels((source.height * width) / source.width) : source.height);
	return { width: w, height: h };
}

/** The format for animations: GIF, which plays everywhere, if the colours fit. */
function motionFormat({ palette, channels = 2 }) {
	return (palette ?? "channels") === "channels" && channels ** 3 > GIF_COLOURS ? "webp" : "gif";
}

/** Why the service would refuse this: a sentence, or null. */
export function sizeProblem({ source, options, catalogue }) {
	if (!source?.width) return null;
	const size = savedSize(options, source);
	const most = catalogue?.limits.max_pixels ?? Infinity;
	return size.width * size.height > most ? errors.tooManyPixels(size, most) : null;
}
