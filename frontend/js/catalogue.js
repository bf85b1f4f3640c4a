/** The options that the engine offers (GET /options), and how to interpret a set of them. */

/** Options that only the page has; see output.js. */
const OWN = {
	pattern: { type: "integer", min: 1, max: 32, default: 1 },
	across: { type: "integer", min: 8, max: 4000, default: null },
	inks: { type: "string", values: ["measured", "device"], default: "measured" },
};

/** Options about the file and its size, not about how the picture is drawn. */
export const OF_A_FILE = /^(width|height|fit|gravity|crop|rotate|scale|pattern|across|format|panel|inks|colours|bits|codes|packing|bit_order|row_align|invert|exclude)$/;

export class Catalogue {
	/** `looks`: options by title; `samples`: those of the samples' thumbnails. */
	constructor({ access, algorithms, palettes, panels, options, formats, limits }, { looks, samples }) {
		Object.assign(this, { access, palettes, panels, formats, limits, looks, samples, fields: { ...options, ...OWN } });
		this.algorithms = algorithms.filter(({ controls }) => !controls.includes("matrix"));
		/** Options that only some algorithms use; all others are always used. */
		this.controlled = [...new Set(this.algorithms.flatMap((algorithm) => algorithm.controls))];
	}

	algorithm(name) {
		return this.algorithms.find((entry) => entry.name === name);
	}

	palette(name) {
		return this.palettes.find((entry) => entry.name === name);
	}

	/** Title and suffix of the format. */
	format({ format = "png" }) {
		return this.formats.find(({ name }) => name === format);
	}

	/** The panel that was chosen, as long as size and palette are its own. */
	panelOf(options) {
		return this.panels.find((panel) => panel.name === options.panel && ["width", "height", "palette"].every((key) => String(options[key]) === String(panel.options[key])));
	}

	value(options, key) {
		return options[key] ?? this.fields[key]?.default ?? null;
	}

	reads(options, key) {
		const kind = paletteKind(this.value(options, "palette"));
		if (key === "channels") return kind === "channels" || kind === "gray";
		if (key === "distance" && (kind === "channels" || kind === "gray")) return false;
		if (key === "alpha_level") return this.value(options, "alpha") === "threshold";
		if (key === "background") return this.value(options, "alpha") === "flatten";
		if (!this.controlled.includes(key)) return true;
		return this.algorithm(this.value(options, "algorithm"))?.controls.includes(key) ?? false;
	}

	/** Only existing fields that differ from their defaults: for links and requests. */
	sparse(options) {
		const differs = (key) => (options[key] ?? null) !== null && JSON.stringify(options[key]) !== JSON.stringify(this.fields[key].default);
		return Object.fromEntries(Object.keys(this.fields).filter(differs).map((key) => [key, options[key]]));
	}

	colours(options) {
		const palette = this.value(options, "palette");
		return Array.isArray(palette) ? palette.map((colour) => colour.slice(0, 7)) : (this.palette(palette)?.colours ?? []);
	}
}

/** "channels", "gray", "adaptive", or "colours" (a named palette or a list). */
export function paletteKind(palette) {
	if (palette === "channels" || palette === "gray") return palette;
	return typeof palette === "string" && palette.startsWith("adaptive:") ? "adaptive" : "colours";
}
