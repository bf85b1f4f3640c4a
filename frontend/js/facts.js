/** The line of numbers below the picture, and the colours in it. */

import { h, replace, setStyle } from "./dom.js";
import { measure } from "./measure.js";
import { outputSize } from "./preview.js";
import { format, strings } from "./strings.js";

const text = strings.facts;
const EDITABLE = 256;
const SHOWN = 32;

export function createFacts(store, studio) {
  const list = h("dl", { class: "facts-list numbers" });
  const palette = h("div", { class: "used" });
  const element = h("section", { class: "facts", "aria-label": text.label, hidden: true }, list, palette);
  let timer = 0;

  store.on(["result", "source"], () => {
    // Its room is kept from the beginning: a preview is made for the room that is left.
    element.hidden = !store.get("source");
    clearTimeout(timer);
    // After the picture is on the screen: numbers can wait, and a slider makes many results.
    timer = setTimeout(show, 120);
  });

  function show() {
    const result = store.get("result");
    const source = store.get("source");
    if (!result || !source) return;
    const { colours, psnr, seen } = measure(result, source.bitmap);
    const db = (value) => (value === Infinity ? text.same : text.psnrValue(value));
    replace(
      list,
      fact(text.size, savedSize(result, source)),
      fact(text.colours, format.whole(colours.count)),
      fact(text.bytes, fileSize(result, source), `${text.original}: ${format.bytes(source.file.size)}`),
      psnr === null ? null : fact(text.psnr, db(psnr), text.psnrHint),
      seen === null ? null : fact(text.seen, db(seen), text.seenHint),
    );
    replace(palette, strip(colours), colours.count >= 2 && colours.count <= EDITABLE ? h("button", { type: "button", class: "button compact", onclick: () => edit(result) }, text.edit) : null);
  }

  function edit(result) {
    const { top } = measure(result, null, EDITABLE).colours;
    studio.change({ palette: top.map(({ hex }) => hex) });
  }
  return element;
}

function fact(name, value, hint = null) {
  return h("div", { title: hint }, h("dt", { class: "soft" }, name), h("dd", {}, value));
}

function savedSize(result, source) {
  const { width, height } = result.whole || !source.bitmap ? result : outputSize(source, result.options);
  const scale = result.options.scale ?? 1;
  return format.dimensions(width * scale, height * scale);
}

/** Exact where the preview is what would be saved; else reckoned by its pixels. */
function fileSize(result, source) {
  const scaled = (result.options.scale ?? 1) > 1;
  if (result.whole && !scaled) return format.bytes(result.blob.size);
  if (!source.bitmap) return format.bytes(result.blob.size);
  const { width, height } = outputSize(source, result.options);
  return `${text.about} ${format.bytes(Math.round((result.blob.size * width * height) / (result.width * result.height)))}`;
}

function strip({ top, count }) {
  const cells = top.slice(0, SHOWN).map(({ hex, share }) => {
    const cell = h("li", { title: text.share(hex, format.decimal(share * 100)) }, h("span", { class: "sr-only" }, text.share(hex, format.decimal(share * 100))));
    setStyle(cell, { "background-color": hex, "flex-grow": String(Math.max(share, 0.015)) });
    return cell;
  });
  return h("ul", { class: "used-colours", "aria-label": count > SHOWN ? text.manyColours(count) : text.palette }, cells);
}
