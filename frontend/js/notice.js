/** What went wrong, where it happened: the sentence, a way on, and a countdown when one must wait. */

import { h, icon } from "./dom.js";
import { strings } from "./strings.js";

const text = strings.errors;

/**
 * `error`: an ApiError or null; `retry`, `dismiss`, `other` ({label, run}) are optional.
 * A rate limit counts down and tries again by itself.
 */
export function notice(sentence, { error = null, retry = null, dismiss = null, other = null } = {}) {
  const button = retry && h("button", { type: "button", class: "button compact", onclick: again }, text.retry);
  const countdown = h("span", { class: "small numbers", "aria-hidden": "true" });
  const element = h(
    "div",
    { class: "notice", role: "alert" },
    icon("alert"),
    h("p", { class: "grow" }, sentence, " ", countdown),
    other && h("button", { type: "button", class: "button compact", onclick: other.run }, other.label),
    button,
    dismiss && h("button", { type: "button", class: "button compact", onclick: dismiss }, strings.dialog.dismiss),
  );
  let timer = 0;

  function again() {
    clearTimeout(timer);
    retry();
  }
  function tick(seconds) {
    if (seconds <= 0) return again();
    countdown.textContent = text.retryIn(seconds);
    timer = setTimeout(() => element.isConnected && tick(seconds - 1), 1000);
  }
  const wait = error?.retryAfter ?? (error?.kind === "limited" ? 5 : null);
  if (retry && wait !== null && error.temporary) tick(Math.min(Math.max(Math.ceil(wait), 1), 600));
  return element;
}
