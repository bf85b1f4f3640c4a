/** The tabs of adjustments and of sizes. Options that no other tab shows appear here. */

import { freshId, h, replace } from "./dom.js";
import { fieldFor } from "./fields.js";
import { outputSize } from "./preview.js";
import { strings } from "./strings.js";

const PICTURE = ["brightness", "contrast", "saturation", "gamma"];
const SIZE = ["width", "height", "scale", "alpha", "background", "format"];
const ELSEWHERE = ["algorithm", "palette", "channels", "distance", "kernel"];
const CHUNKY = [1, 2, 3, 4, 6, 8, 12];

export function createAdjust(store, studio) {
  const text = strings.adjust;
  const picture = h("div", { class: "fields" });
  const mixing = h("div", { class: "fields" });
  const reset = h("button", { type: "button", class: "button compact", onclick: () => studio.change(Object.fromEntries(PICTURE.map((key) => [key, null]))) }, text.reset);
  const element = h("div", { class: "pane" }, picture, h("div", {}, reset), mixing);
  bindFields(store, studio, (catalogue) => {
    const others = Object.keys(catalogue.fields).filter((key) => ![...PICTURE, ...SIZE, ...ELSEWHERE].includes(key) && !catalogue.controlled.has(key));
    return [[picture, PICTURE], [mixing, others]];
  });
  store.on(["options"], () => (reset.disabled = !PICTURE.some((key) => key in store.get("options"))));
  return element;
}

export function createSize(store, studio) {
  const text = strings.size;
  const sides = h("div", { class: "fields two" });
  const others = h("div", { class: "fields" });
  const result = h("p", { class: "soft small numbers" });
  const chunky = createChunky(store, studio);
  const element = h("div", { class: "pane" }, chunky, sides, others, result);
  bindFields(store, studio, () => [[sides, SIZE.slice(0, 2)], [others, SIZE.slice(2)]]);

  store.on(["options", "source"], () => {
    const source = store.get("source");
    const options = store.get("options");
    if (!source?.bitmap) return;
    const { width, height } = outputSize(source, options);
    const scale = options.scale ?? 1;
    result.textContent = text.result(width * scale, height * scale);
  });
  return element;
}

/** Width and enlargement in one choice. */
function createChunky(store, studio) {
  const text = strings.size;
  const name = freshId("chunky");
  const radios = CHUNKY.map((times) => h("input", { type: "radio", name, value: times, onchange: () => choose(times) }));
  const element = h(
    "fieldset",
    { class: "field" },
    h("legend", { class: "field-label" }, text.chunky),
    h("div", { class: "segments" }, CHUNKY.map((times, i) => h("label", {}, radios[i], h("span", {}, text.chunkyValue(times))))),
    h("p", { class: "soft small" }, text.chunkyHint),
  );
  function choose(times) {
    const source = store.get("source");
    if (!source?.bitmap) return;
    studio.change({ width: times === 1 ? null : Math.max(1, Math.round(source.width / times)), height: null, scale: times });
  }
  store.on(["options", "source"], () => {
    const source = store.get("source");
    const { width, height, scale = 1 } = store.get("options");
    CHUNKY.forEach((times, i) => {
      const asked = times === 1 ? undefined : Math.max(1, Math.round((source?.width ?? 0) / times));
      radios[i].checked = scale === times && width === asked && height === undefined;
    });
  });
  return element;
}

/** `groups(catalogue)` → [[element, keys]]: fields for these options, shown while they are read. */
function bindFields(store, studio, groups) {
  const fields = new Map();
  store.on(["catalogue"], () => {
    const catalogue = store.get("catalogue");
    fields.clear();
    for (const [element, keys] of groups(catalogue)) {
      const present = keys.filter((key) => catalogue.fields[key]);
      for (const key of present) fields.set(key, fieldFor(key, catalogue.fields[key], (value) => studio.change({ [key]: value })));
      replace(element, present.map((key) => fields.get(key)));
    }
    update();
  });
  store.on(["options"], update);

  function update() {
    const catalogue = store.get("catalogue");
    const options = store.get("options");
    for (const [key, field] of fields) {
      field.hidden = !catalogue.reads(options, key);
      field.set(options[key]);
    }
  }
}
