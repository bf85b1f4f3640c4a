/**
 * Looks: sets of options by id. `across` is the number of pattern dots along the longer side, so
 * that a look is the same on every picture; looks of devices have the device's width. A look whose
 * algorithm or palette the engine does not offer is not shown. The titles are in strings.js.
 */

import { presets as titles } from "./strings.js";

export const PRESETS = {
	newspaper: { algorithm: "clustered-dot", palette: "gray", contrast: 1.1, across: 640 },
	gameboy: { algorithm: "bayer-4", palette: "gameboy", contrast: 1.15, across: 160 },
	mac: { algorithm: "atkinson", palette: "black-white", contrast: 1.1, across: 512 },
	spectra: { algorithm: "floyd-steinberg", palette: "spectra-6", width: 800, serpentine: true, saturation: 1.3 },
	eink: { algorithm: "blue-noise", palette: "gray", channels: 4 },
	badge: { algorithm: "stucki", palette: "black-white-red", width: 400 },
	pico: { algorithm: "bayer-4", palette: "pico-8", across: 128 },
	c64: { algorithm: "bayer-4", palette: "c64", across: 320 },
	cga: { algorithm: "bayer-2", palette: "cga", across: 320 },
	zx: { algorithm: "bayer-8", palette: "zx-spectrum", saturation: 1.4, across: 256 },
	teletext: { algorithm: "knoll", palette: "teletext", across: 240 },
	web: { algorithm: "floyd-steinberg", palette: "web-safe", width: 640, light: "srgb" },
	riso: { algorithm: "blue-noise", palette: ["#f7f3e8", "#ff48b0", "#0078bf", "#2a2f7c"], across: 800 },
	blueprint: { algorithm: "bayer-8", palette: ["#0d2a5c", "#1f4e9c", "#7fa8df", "#f2f6ff"], contrast: 1.2, across: 640 },
	sepia: { algorithm: "ostromoukhov", palette: ["#2b1a10", "#f4e6cc"], contrast: 1.1, across: 800 },
	gif: { algorithm: "floyd-steinberg", palette: "adaptive:16", width: 480, format: "gif" },
	rgb: { algorithm: "floyd-steinberg", palette: "channels" },
	poster: { algorithm: "none", palette: "adaptive:6", saturation: 1.2 },
};
const COMPUTED = /^(gray|channels|adaptive:.*)$/;

export function presetsOf(catalogue) {
	return Object.entries(PRESETS)
		.filter(([, { algorithm, palette }]) => catalogue.algorithm(algorithm) && (Array.isArray(palette) || COMPUTED.test(palette) || catalogue.palette(palette)))
		.map(([id, options]) => ({ id, options: catalogue.sparse(options) }));
}

/** The name for a set of options: the title of a look, else the name of the method. */
export function lookOf(catalogue, options) {
	const { format: _, ...drawn } = options;
	const chosen = JSON.stringify(drawn);
	const preset = presetsOf(catalogue).find((entry) => {
		const { format: _own, ...own } = entry.options;
		return JSON.stringify(own) === chosen;
	});
	return preset ? titles[preset.id] : catalogue.value(options, "algorithm");
}
