/**
 * Starting points. Each names algorithms and palettes of the engine in the order liked; a preset
 * of which the engine offers none is not shown. Its title is in strings.js.
 */

const PRESETS = [
  { id: "newspaper", algorithm: ["clustered-dot", "halftone", "halftone-round", "clustered-dot-6"], palette: ["gray"], options: { cell: 6, angle: 45, contrast: 1.1 } },
  { id: "gameboy", algorithm: ["bayer-4"], palette: ["gameboy", "game-boy"], options: { width: 160, scale: 4, contrast: 1.15 } },
  { id: "mac", algorithm: ["atkinson"], palette: ["black-white"], options: { width: 512, contrast: 1.1 } },
  { id: "spectra", algorithm: ["floyd-steinberg"], palette: ["spectra-6", "eink-spectra-6", "e-ink-spectra-6"], options: { width: 800, serpentine: true, saturation: 1.3 } },
  { id: "eink", algorithm: ["blue-noise"], palette: ["gray"], options: { channels: 4 } },
  { id: "badge", algorithm: ["stucki", "floyd-steinberg"], palette: ["black-white-red", "eink-black-white-red"], options: { width: 400 } },
  { id: "pico", algorithm: ["bayer-4"], palette: ["pico-8", "pico8"], options: { width: 128, scale: 6 } },
  { id: "c64", algorithm: ["bayer-4"], palette: ["c64", "commodore-64"], options: { width: 320, scale: 3 } },
  { id: "cga", algorithm: ["bayer-2"], palette: ["cga"], options: { width: 320, scale: 3 } },
  { id: "zx", algorithm: ["bayer-8"], palette: ["zx-spectrum"], options: { width: 256, scale: 3, saturation: 1.4 } },
  { id: "teletext", algorithm: ["knoll", "bayer-4"], palette: ["teletext"], options: { width: 240, scale: 3 } },
  { id: "web", algorithm: ["floyd-steinberg"], palette: ["web-safe"], options: { width: 640, light: "srgb" } },
  { id: "riso", algorithm: ["blue-noise", "floyd-steinberg"], palette: [["#f7f3e8", "#ff48b0", "#0078bf", "#2a2f7c"]], options: {} },
  { id: "blueprint", algorithm: ["bayer-8"], palette: [["#0d2a5c", "#1f4e9c", "#7fa8df", "#f2f6ff"]], options: { contrast: 1.2 } },
  { id: "sepia", algorithm: ["ostromoukhov", "floyd-steinberg"], palette: [["#2b1a10", "#f4e6cc"]], options: { contrast: 1.1 } },
  { id: "gif", algorithm: ["floyd-steinberg"], palette: ["adaptive:16"], options: { width: 480, format: "gif" } },
  { id: "rgb", algorithm: ["floyd-steinberg"], palette: ["channels"], options: {} },
  { id: "poster", algorithm: ["none"], palette: ["adaptive:6"], options: { saturation: 1.2 } },
];

/** The presets this engine can do: [{id, options}]. */
export function presetsOf(catalogue) {
  return PRESETS.flatMap((preset) => {
    const algorithm = preset.algorithm.find((name) => catalogue.algorithm(name));
    const palette = preset.palette.find((name) => isOffered(catalogue, name));
    if (!algorithm || !palette) return [];
    return [{ id: preset.id, options: catalogue.sparse({ ...preset.options, algorithm, palette }) }];
  });
}

function isOffered(catalogue, palette) {
  return Array.isArray(palette) || palette === "gray" || palette === "channels" || palette.startsWith("adaptive:") || catalogue.palette(palette) !== null;
}
