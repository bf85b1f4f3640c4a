/** Tells screen readers what changed, without moving the focus. */

import { h } from "./dom.js";

const region = h("div", { class: "sr-only", role: "status", "aria-live": "polite" });
document.body.append(region);

let timer = 0;

export function announce(text) {
  clearTimeout(timer);
  // Emptied first: the same sentence twice would be said once.
  region.textContent = "";
  timer = setTimeout(() => (region.textContent = text), 60);
}
