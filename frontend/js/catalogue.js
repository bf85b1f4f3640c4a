/** What the engine offers (GET /options), and how a set of options is read against it. */

/** Options that only some algorithms read; all others are always read. */
export class Catalogue {
  constructor({ algorithms, palettes, options, formats, limits }) {
    this.fields = options;
    this.palettes = palettes;
    this.formats = formats;
    this.limits = limits;
    this.algorithms = withCustom(algorithms, options);
    this.controlled = new Set(this.algorithms.flatMap((algorithm) => algorithm.controls));
  }

  algorithm(name) {
    return this.algorithms.find((entry) => entry.name === name) ?? null;
  }

  palette(name) {
    return this.palettes.find((entry) => entry.name === name) ?? null;
  }

  /** Families in the catalogue's order: [[family, [algorithm, …]], …]. */
  families() {
    const found = new Map();
    for (const entry of this.algorithms) {
      if (!found.has(entry.family)) found.set(entry.family, []);
      found.get(entry.family).push(entry);
    }
    return [...found];
  }

  value(options, key) {
    return options[key] ?? this.fields[key]?.default ?? null;
  }

  /** Whether the chosen algorithm and palette look at this option. */
  reads(options, key) {
    const kind = paletteKind(this.value(options, "palette"));
    if (key === "channels") return kind === "channels" || kind === "gray";
    if (key === "distance") return kind === "colours" || kind === "adaptive";
    if (key === "background") return this.value(options, "alpha") !== this.fields.alpha.default;
    if (!this.controlled.has(key)) return true;
    return this.algorithm(this.value(options, "algorithm"))?.controls.includes(key) ?? false;
  }

  /** Only what differs from the defaults, and only fields that exist: the form in links and requests. */
  sparse(options) {
    const kept = {};
    for (const key of Object.keys(this.fields)) {
      const value = options[key];
      if (value === undefined || value === null) continue;
      if (JSON.stringify(value) !== JSON.stringify(this.fields[key].default)) kept[key] = value;
    }
    return kept;
  }

  /** The colours of the chosen palette where they are known beforehand, else null. */
  colours(options) {
    const palette = this.value(options, "palette");
    return Array.isArray(palette) ? palette : (this.palette(palette)?.colours ?? null);
  }
}

/** "channels", "gray", "adaptive", or "colours" (a named palette or a list). */
export function paletteKind(palette) {
  if (palette === "channels" || palette === "gray") return palette;
  return typeof palette === "string" && palette.startsWith("adaptive:") ? "adaptive" : "colours";
}

/** A kernel of one's own is an option of the engine before it is an entry of its list. */
function withCustom(algorithms, options) {
  if (!options.kernel || algorithms.some((entry) => entry.controls.includes("kernel"))) return algorithms;
  const custom = { name: "custom", family: "custom", title: "", description: options.kernel.description, source: "", controls: ["kernel", "serpentine", "strength"] };
  return [...algorithms, custom];
}
