/** The tab of algorithms: the chosen one with its settings, and all of them as tiles. */

import { freshId, h, replace } from "./dom.js";
import { fieldFor } from "./fields.js";
import { createKernelField } from "./kernel.js";
import { smallOptions } from "./looks.js";
import { strings } from "./strings.js";

const text = strings.method;
const REFRESH_MS = 400;

export function createMethod(store, studio, swatches) {
  const title = h("h2", {});
  const description = h("p", { class: "small" });
  const source = h("p", { class: "small soft" });
  const controls = h("div", { class: "fields" });
  const search = h("input", { type: "search", class: "input", placeholder: text.search, "aria-label": text.search, autocomplete: "off", spellcheck: "false", oninput: filter });
  const none = h("p", { class: "soft small", hidden: true }, text.none);
  const list = h("div", { class: "families" });
  const element = h("div", { class: "pane" }, h("div", { class: "chosen" }, title, description, controls, source), search, none, list);
  const name = freshId("method");
  let tiles = [];
  let fields = new Map();

  store.on(["catalogue"], () => {
    const catalogue = store.get("catalogue");
    tiles = [];
    replace(list, catalogue.families().map(([family, entries]) => group(family, entries)));
    fields = new Map([...catalogue.controlled].filter((key) => catalogue.fields[key]).map((key) => [key, controlFor(key, catalogue.fields[key])]));
    replace(controls, [...fields.values()]);
    update();
  });

  function controlFor(key, field) {
    const send = (value) => studio.change({ [key]: value });
    return key === "kernel" ? createKernelField(field, send) : fieldFor(key, field, send);
  }

  function group(family, entries) {
    const label = text.families[family] ?? family;
    const members = entries.map(tile);
    const section = h("fieldset", { class: "family" }, h("legend", { class: "small soft" }, label), h("div", { class: "tiles" }, members.map(({ label: element }) => element)));
    members.forEach((member) => (member.section = section));
    return section;
  }

  function tile(entry) {
    const called = entry.title || text.custom;
    const input = h("input", { type: "radio", name, value: entry.name, onchange: () => choose(entry) });
    const picture = swatches.swatch(() => {
      if (entry.controls.includes("kernel")) return null;
      return smallOptions({ ...store.get("options"), algorithm: entry.name });
    });
    const label = h("label", { class: "tile", title: entry.description }, input, picture, h("span", { class: "tile-name" }, called));
    const made = { entry, input, picture, label, words: `${entry.name} ${called} ${entry.family} ${text.families[entry.family] ?? ""}`.toLowerCase() };
    tiles.push(made);
    return made;
  }

  function choose(entry) {
    const kernel = entry.controls.includes("kernel") && !store.get("options").kernel ? { kernel: FIRST_KERNEL } : {};
    studio.change({ algorithm: entry.name, ...kernel });
  }

  function filter() {
    const words = search.value.trim().toLowerCase().split(/\s+/);
    for (const tile of tiles) tile.label.hidden = !words.every((word) => tile.words.includes(word));
    for (const section of list.children) section.hidden = !tiles.some((tile) => tile.section === section && !tile.label.hidden);
    none.hidden = tiles.some((tile) => !tile.label.hidden);
  }

  let timer = 0;
  function update() {
    const catalogue = store.get("catalogue");
    if (!catalogue) return;
    const options = store.get("options");
    const chosen = catalogue.value(options, "algorithm");
    const entry = catalogue.algorithm(chosen);
    title.textContent = entry?.title || (entry ? text.custom : chosen);
    description.textContent = entry?.description ?? "";
    source.textContent = entry && entry.source.length > 1 ? entry.source : "";
    for (const tile of tiles) tile.input.checked = tile.entry.name === chosen;
    for (const [key, field] of fields) {
      field.hidden = !catalogue.reads(options, key);
      field.set(options[key]);
    }
    clearTimeout(timer);
    timer = setTimeout(() => swatches.refresh(tiles.map(({ picture }) => picture)), REFRESH_MS);
  }
  store.on(["options", "source"], update);
  return element;
}

/** Something to begin with when one makes a kernel of one's own: half right, half down. */
const FIRST_KERNEL = [
  [0, 0, 1],
  [0, 1, 0],
];
