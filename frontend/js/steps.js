/** The list of steps of a save, with the bytes sent. */

import { h, icon, replace } from "./dom.js";
import { format, strings } from "./strings.js";

const text = strings.save;

export function createSteps(saving) {
  const bar = h("progress", { class: "progress", max: "1", value: 0, "aria-label": text.progress });
  const sent = h("span", { class: "soft small numbers" });
  const upload = h("div", { class: "upload-progress" }, bar, sent);
  const items = Object.keys(saving.steps).map((name) => {
    const mark = h("span", { class: "mark" });
    const label = h("span", { class: "grow" });
    return { name, mark, label, element: h("li", { class: "step" }, mark, h("div", { class: "grow" }, label, name === "uploaded" ? upload : null)) };
  });
  const element = h("ol", { class: "steps", "aria-live": "polite" }, items.map((item) => item.element));

  function update() {
    for (const { name, mark, label, element: item } of items) {
      const state = saving.steps[name];
      if (item.dataset.state !== state) {
        item.dataset.state = state;
        replace(mark, MARKS[state]());
        replace(label, state === "now" ? text.doing[name] : text.steps[name], h("span", { class: "sr-only" }, `, ${text.stepState[state]}`));
      }
    }
    upload.hidden = saving.steps.uploaded !== "now";
    bar.value = saving.total ? saving.sent / saving.total : 0;
    sent.textContent = format.bytes(saving.total) && text.sent(saving.sent, saving.total);
  }
  return { element, update };
}

const MARKS = {
  wait: () => h("span", { class: "dot" }),
  now: () => h("span", { class: "spinner" }),
  done: () => icon("check"),
  failed: () => icon("close"),
};
