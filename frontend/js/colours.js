/** The tab of colours: levels, greys, colours of the picture, or a palette with its editor. */

import { freshId, h, replace, setStyle } from "./dom.js";
import { paletteKind } from "./catalogue.js";
import { fieldFor, segments, slider } from "./fields.js";
import { createPaletteEditor } from "./palette-editor.js";
import { strings } from "./strings.js";

const text = strings.colours;
const ADAPTIVE = { type: "integer", min: 2, max: 256, default: 8, description: "" };
const LONG_LIST = 8;

export function createColours(store, studio) {
  const element = h("div", { class: "pane" });
  // What one had of each kind, to find it again when coming back to it.
  const last = { adaptive: `adaptive:${ADAPTIVE.default}`, colours: null };
  let parts = null;

  store.on(["catalogue"], () => {
    const catalogue = store.get("catalogue");
    last.colours = catalogue.palettes[0]?.name ?? ["#000000", "#ffffff"];
    parts = build(catalogue);
    replace(element, parts.kind, parts.hint, parts.levels, parts.count, parts.list, parts.editor.element, parts.distance);
    update();
  });
  store.on(["options"], update);

  function build(catalogue) {
    const setPalette = (palette, key) => studio.change({ palette }, key);
    return {
      kind: segments({
        label: text.kind,
        options: Object.entries(text.kinds).map(([value, title]) => ({ value, title })),
        value: "channels",
        onchange: (kind) => setPalette(last[kind] ?? kind),
      }),
      hint: h("p", { class: "soft small" }),
      levels: slider("channels", text.levels, catalogue.fields.channels, (channels) => studio.change({ channels })),
      count: slider("adaptive", text.count, ADAPTIVE, (count) => setPalette(`adaptive:${count}`, "adaptive")),
      list: paletteList(catalogue, (name) => setPalette(name)),
      editor: createPaletteEditor((colours) => setPalette(colours, "editor")),
      distance: fieldFor("distance", catalogue.fields.distance, (distance) => studio.change({ distance })),
    };
  }

  function update() {
    if (!parts) return;
    const catalogue = store.get("catalogue");
    const options = store.get("options");
    const palette = catalogue.value(options, "palette");
    const kind = paletteKind(palette);
    if (kind in last) last[kind] = palette;
    const channels = catalogue.value(options, "channels");
    const count = Number(String(palette).split(":")[1]) || ADAPTIVE.default;
    parts.kind.set(kind);
    parts.levels.hidden = kind !== "channels" && kind !== "gray";
    parts.levels.set(options.channels);
    parts.count.hidden = kind !== "adaptive";
    parts.count.set(count);
    parts.list.hidden = parts.editor.element.hidden = kind !== "colours";
    parts.distance.hidden = !catalogue.reads(options, "distance");
    parts.distance.set(options.distance);
    parts.hint.textContent = kind === "colours" ? "" : text.hints[kind](kind === "adaptive" ? count : channels);
    parts.hint.hidden = kind === "colours";
    if (kind === "colours") {
      parts.list.set(palette);
      parts.editor.set(catalogue.colours(options) ?? []);
    }
  }

  return element;
}

/** All named palettes as strips of their colours; `element.set(palette)` marks the chosen one. */
function paletteList(catalogue, onchoose) {
  const name = freshId("palette");
  const rows = catalogue.palettes.map((palette) => {
    const input = h("input", { type: "radio", name, value: palette.name, onchange: () => onchoose(palette.name) });
    const label = h("label", { class: "palette-row", title: palette.source }, input, h("span", { class: "palette-name" }, palette.title), strip(palette.colours));
    return { palette, input, label, words: `${palette.name} ${palette.title}`.toLowerCase() };
  });
  const none = h("p", { class: "soft small", hidden: true }, text.none);
  const search = h("input", { type: "search", class: "input", placeholder: text.search, "aria-label": text.search, autocomplete: "off", spellcheck: "false" });
  search.addEventListener("input", () => {
    const wanted = search.value.trim().toLowerCase();
    for (const row of rows) row.label.hidden = !row.words.includes(wanted);
    none.hidden = rows.some((row) => !row.label.hidden);
  });
  const element = h(
    "fieldset",
    { class: "palettes" },
    h("legend", { class: "sr-only" }, text.palettes),
    rows.length > LONG_LIST ? search : null,
    none,
    h("div", { class: "palette-rows" }, rows.map((row) => row.label)),
  );
  element.set = (palette) => rows.forEach((row) => (row.input.checked = row.palette.name === palette));
  return element;
}

/** Colours side by side. */
export function strip(colours) {
  return h("span", { class: "strip", "aria-hidden": "true" }, colours.slice(0, 64).map((colour) => {
    const cell = h("span", {});
    setStyle(cell, { "background-color": colour });
    return cell;
  }));
}
