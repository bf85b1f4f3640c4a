/** Before and after: which layers are shown, and the divider between them. */

import { h, setStyle } from "./dom.js";
import { segments } from "./fields.js";
import { strings } from "./strings.js";

const text = strings.stage;

/** `changed()` asks the stage to draw anew. */
export function createCompare(viewport, changed) {
  let mode = "split";
  let peeking = false;
  let possible = true;
  let share = 0.5; // of the visible picture that shows the original
  let visible = { from: 0, to: 0 };

  const modes = segments({
    label: text.view,
    options: ["original", "split", "dithered"].map((value) => ({ value, title: text[value] })),
    value: mode,
    onchange: (value) => {
      mode = value;
      changed();
    },
  });
  modes.classList.add("view-modes");
  const divider = h(
    "div",
    { class: "divider", tabindex: "0", role: "slider", "aria-label": text.divider, "aria-valuemin": "0", "aria-valuemax": "100", "aria-orientation": "horizontal" },
    h("span", { class: "tag left", "aria-hidden": "true" }, text.original),
    h("span", { class: "grip", "aria-hidden": "true" }),
    h("span", { class: "tag right", "aria-hidden": "true" }, text.dithered),
  );

  function set(value) {
    share = Math.min(Math.max(value, 0), 1);
    changed();
  }

  divider.addEventListener("pointerdown", (event) => {
    divider.setPointerCapture(event.pointerId);
    event.preventDefault();
    divider.focus({ focusVisible: false });
  });
  divider.addEventListener("pointermove", (event) => {
    if (!divider.hasPointerCapture(event.pointerId)) return;
    const x = event.clientX - viewport.getBoundingClientRect().left;
    set((x - visible.from) / Math.max(1, visible.to - visible.from));
  });
  divider.addEventListener("keydown", (event) => {
    const steps = { ArrowLeft: -0.02, ArrowDown: -0.02, ArrowRight: 0.02, ArrowUp: 0.02, PageDown: -0.1, PageUp: 0.1, Home: -1, End: 1 };
    if (!(event.key in steps)) return;
    event.preventDefault();
    set(share + steps[event.key]);
  });

  return {
    modes,
    divider,

    /** Holds the original up for as long as a key is down. */
    peek(on) {
      if (peeking === on) return;
      peeking = on;
      changed();
    },

    comparable(yes) {
      possible = yes;
      modes.hidden = !yes;
    },

    /** `at`: the picture's place in the viewport, `box`: the viewport's size. */
    draw(at, box) {
      visible = { from: Math.max(0, at.left), to: Math.min(box.width, at.left + at.width) };
      const line = visible.from + share * (visible.to - visible.from);
      const shown = !possible ? "dithered" : peeking ? "original" : mode;
      divider.hidden = shown !== "split";
      const cut = { original: at.width, split: line - at.left, dithered: 0 }[shown];
      setStyle(viewport, { "--cut": `${Math.min(Math.max(cut, 0), at.width)}px` });
      setStyle(divider, { "--line": `${line}px`, "--top": `${Math.max(0, at.top)}px`, "--height": `${Math.min(box.height, at.top + at.height) - Math.max(0, at.top)}px` });
      divider.classList.toggle("near-left", line - visible.from < 80);
      divider.classList.toggle("near-right", visible.to - line < 80);
      const percent = Math.round(share * 100);
      divider.setAttribute("aria-valuenow", String(percent));
      divider.setAttribute("aria-valuetext", text.dividerValue(percent));
    },
  };
}
