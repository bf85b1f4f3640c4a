/** The tab of presets: a swatch and a name each. */

import { h } from "./dom.js";
import { presetsOf } from "./presets.js";
import { strings } from "./strings.js";

export function createLooks(store, studio, swatches) {
  const grid = h("div", { class: "tiles" });
  const element = h("div", { class: "pane" }, h("p", { class: "soft small" }, strings.looks.hint), grid);
  let buttons = [];

  store.on(["catalogue"], () => {
    buttons = presetsOf(store.get("catalogue")).map(({ id, options }) => {
      const picture = swatches.swatch(() => smallOptions(options));
      const button = h("button", { type: "button", class: "tile", "aria-pressed": "false", onclick: () => studio.use(options) }, picture, h("span", { class: "tile-name" }, strings.presets[id]));
      return { button, picture, options };
    });
    grid.replaceChildren(...buttons.map(({ button }) => button));
    mark();
  });

  function mark() {
    const chosen = JSON.stringify(store.get("options"));
    for (const { button, options } of buttons) button.setAttribute("aria-pressed", String(JSON.stringify(options) === chosen));
  }

  store.on(["options"], mark);
  store.on(["source"], () => swatches.refresh(buttons.map(({ picture }) => picture)));
  return element;
}

/** The same look on a swatch, whose size is its own. */
export function smallOptions({ width: _w, height: _h, scale: _s, format: _f, ...others }) {
  return others;
}
