/** Short messages at the edge, some with a button. */

import { announce } from "./announce.js";
import { h, iconButton } from "./dom.js";
import { strings } from "./strings.js";

const SHOWN_MS = 4000;
const region = h("div", { class: "toasts", role: "region", "aria-label": strings.dialog.messages });
document.body.append(region);

/**
 * `action`: {label, run}. `ms`: how long; time stands still while the pointer or the focus is on it.
 * `onend` is called when it went without its action. Returns a function that ends it at once.
 */
export function toast(text, { action = null, ms = SHOWN_MS, onend = () => {} } = {}) {
  let timer = 0;
  const element = h("div", { class: "toast" }, h("span", { class: "grow" }, text));
  const end = (acted = false) => {
    clearTimeout(timer);
    if (!element.isConnected) return;
    element.remove();
    if (!acted) onend();
  };
  if (action) {
    const run = () => {
      end(true);
      action.run();
    };
    element.append(h("button", { type: "button", class: "button compact", onclick: run }, action.label));
  }
  element.append(iconButton("close", strings.dialog.dismiss, () => end(), { class: "compact" }));
  const start = () => (timer = setTimeout(end, ms));
  const hold = () => clearTimeout(timer);
  for (const name of ["pointerenter", "focusin"]) element.addEventListener(name, hold);
  for (const name of ["pointerleave", "focusout"]) element.addEventListener(name, start);
  // A modal dialog covers the rest of the page: the message belongs into it.
  (document.querySelector("dialog[open]") ?? document.body).append(region);
  region.append(element);
  announce(text);
  start();
  return () => end();
}
