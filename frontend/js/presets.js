/**
 * Starting points: options by an id. One whose algorithm or palette the engine does not offer is
 * not shown. The titles are in strings.js.
 */

const PRESETS = {
	newspaper: { algorithm: "clustered-dot", palette: "gray", contrast: 1.1 },
	gameboy: { algorithm: "bayer-4", palette: "gameboy", width: 160, scale: 4, contrast: 1.15 },
	mac: { algorithm: "atkinson", palette: "black-white", width: 512, contrast: 1.1 },
	spectra: { algorithm: "floyd-steinberg", palette: "spectra-6", width: 800, serpentine: true, saturation: 1.3 },
	eink: { algorithm: "blue-noise", palette: "gray", channels: 4 },
	badge: { algorithm: "stucki", palette: "black-white-red", width: 400 },
	pico: { algorithm: "bayer-4", palette: "pico-8", width: 128, scale: 6 },
	c64: { algorithm: "bayer-4", palette: "c64", width: 320, scale: 3 },
	cga: { algorithm: "bayer-2", palette: "cga", width: 320, scale: 3 },
	zx: { algorithm: "bayer-8", palette: "zx-spectrum", width: 256, scale: 3, saturation: 1.4 },
	teletext: { algorithm: "knoll", palette: "teletext", width: 240, scale: 3 },
	web: { algorithm: "floyd-steinberg", palette: "web-safe", width: 640, light: "srgb" },
	riso: { algorithm: "blue-noise", palette: ["#f7f3e8", "#ff48b0", "#0078bf", "#2a2f7c"] },
	blueprint: { algorithm: "bayer-8", palette: ["#0d2a5c", "#1f4e9c", "#7fa8df", "#f2f6ff"], contrast: 1.2 },
	sepia: { algorithm: "ostromoukhov", palette: ["#2b1a10", "#f4e6cc"], contrast: 1.1 },
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
