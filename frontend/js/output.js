/** Converts the page's options to the engine's, and computes the size of the result. */

import { shapeOf } from "./crop.js";
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

/** The engine's options: of the page's own, `pattern` and `across` become width and scale. */
export function engineOptions(options, source) {
	const { pattern, across, panel, inks, ...engine } = options;
	if (!engine.format && source.frames > 1) engine.format = motionFormat(engine);
	if (!pattern && !across) return engine;
	delete engine.scale;
	const size = patternSize(options, source);
	if (size === 1) return engine;
	const { width, height } = asked(source, options);
	return { ...engine, width: pixels(width / size), height: options.height ? pixels(height / size) : undefined, scale: size };
}

/** The options for what is on the screen: the colours that a panel shows, or those in its file. */
export function previewOptions(options, source) {
	const engine = engineOptions(options, source);
	return engine.colours === "device" ? { ...engine, colours: options.inks ?? "measured", format: "png" } : engine;
}

/** Size of the picture that is saved. */
export function savedSize(options, source) {
	const engine = engineOptions(options, source);
	const size = asked(source, engine);
	const { scale = 1 } = engine;
	return { width: size.width * scale, height: size.height * scale };
}

/** Size before the enlargement, as the engine computes it. */
function asked(source, options) {
	const { width, height, fit } = options;
	const from = shapeOf(options, source);
	if (width && height) {
		const scale = Math.min(width / from.width, height / from.height);
		return fit === "contain" ? { width: Math.min(width, pixels(from.width * scale)), height: Math.min(height, pixels(from.height * scale)) } : { width, height };
	}
	const scale = width ? width / from.width : height ? height / from.height : 1;
	return { width: width ?? pixels(from.width * scale), height: height ?? pixels(from.height * scale) };
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
