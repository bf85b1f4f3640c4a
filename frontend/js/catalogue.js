/** The options that the engine offers (GET /options), and how to interpret a set of them. */

import { method } from "./strings.js";

/** Options that only the page has; see output.js. */
const OWN = {
	pattern: { type: "integer", min: 1, max: 32, default: 1, description: "" },
	across: { type: "integer", min: 8, max: 4000, default: null, description: "" },
};

export class Catalogue {
	constructor({ access, algorithms, palettes, options, formats, limits }) {
		Object.assign(this, { access, palettes, formats, limits, fields: { ...options, ...OWN } });
		this.algorithms = withCustom(algorithms, options);
		/** Options that only some algorithms use; all others are always used. */
		this.controlled = [...new Set(this.algorithms.flatMap((algorithm) => algorithm.controls))];
	}

	algorithm(name) {
		return this.algorithms.find((entry) => entry.name === name);
	}

	palette(name) {
		return this.palettes.find((entry) => entry.name === name);
	}

	/** Families in the catalogue's order: [[family, [algorithm, …]], …]. */
	families() {
		return [...Map.groupBy(this.algorithms, ({ family }) => family)];
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
		return Array.isArray(palette) ? palette : (this.palette(palette)?.colours ?? []);
	}
}

/** "channels", "gray", "adaptive", or "colours" (a named palette or a list). */
export function paletteKind(palette) {
	if (palette === "channels" || palette === "gray") return palette;
	return typeof palette === "string" && palette.startsWith("adaptive:") ? "adaptive" : "colours";
}

/** Adds the custom kernel, which the engine offers as an option, not in its list of algorithms. */
function withCustom(algorithms, { kernel }) {
	if (!kernel || algorithms.some((entry) => entry.controls.includes("kernel"))) return algorithms;
	const custom = { name: "custom", family: "custom", title: method.custom, description: kernel.description, source: "", controls: ["distance", "kernel", "serpentine", "strength"] };
	return [...algorithms, custom];
}
