/** Keeping a picture: upload, the steps as they happen, then the link and the downloads. */

import { announce } from "./announce.js";
import { openDialog } from "./dialog.js";
import { freshId, h, icon, replace } from "./dom.js";
import { notice } from "./notice.js";
import { createResult } from "./saved.js";
import { createSaving } from "./saving.js";
import { createSteps } from "./steps.js";
import { strings } from "./strings.js";
import { toast } from "./toasts.js";

const text = strings.save;

/** → {open()}: the dialog of the picture that is open; what it has begun goes on when it is closed. */
export function createSave(store, studio) {
  let dialog = null;
  let content = null;
  let saving = null;

  window.addEventListener("beforeunload", (event) => {
    if (saving?.uploading) event.preventDefault();
  });

  function open() {
    if (!store.get("source")) return;
    const stale = !saving || saving.source !== store.get("source") || (saving.over && saving.options !== store.get("options"));
    content = h("div", { class: "save" });
    dialog = openDialog(text.heading, content, { kind: "narrow", onclose: () => (dialog = null) });
    if (stale) showForm();
    else showProgress();
  }

  function showForm() {
    saving = null;
    const source = store.get("source");
    const id = freshId("email");
    const email = h("input", { type: "email", class: "input", id, autocomplete: "email", placeholder: text.emailPlaceholder, value: source.email, "aria-describedby": `${id}-hint` });
    const bad = h("p", { class: "bad small", role: "alert" });
    const form = h(
      "form",
      { novalidate: true, class: "save-form" },
      h("p", { class: "soft" }, source.uuid ? text.leadAgain : text.lead),
      h("div", { class: "field" }, h("label", { for: id, class: "field-label" }, text.email), email, bad, h("p", { class: "soft small", id: `${id}-hint` }, text.emailHint)),
      h("button", { type: "submit", class: "button primary wide" }, icon("keep"), text.start),
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (!email.checkValidity()) {
        bad.textContent = text.emailBad;
        email.setAttribute("aria-invalid", "true");
        email.focus();
        return;
      }
      start(email.value.trim());
    });
    replace(content, form);
  }

  function start(email) {
    saving = createSaving(store.get("source"), store.get("options"), store.get("catalogue"), email);
    const mine = saving;
    mine.onchange = () => saving === mine && dialog && update();
    mine.onend = () => {
      studio.writeAddress();
      if (!dialog) toast(mine.failure ?? text.finished, { action: { label: text.show, run: open } });
      else announce(mine.failure ?? text.finished);
    };
    showProgress();
    mine.run();
  }

  let steps = null;
  let after = null;
  function showProgress() {
    steps = createSteps(saving);
    after = h("div", { class: "save-after" });
    replace(content, steps.element, after);
    update();
  }

  function update() {
    steps.update();
    if (saving.failure) {
      const retry = () => start(saving.email);
      replace(after, notice(saving.failure, { error: saving.error, retry, other: { label: strings.errors.change, run: showForm } }));
    } else if (saving.dither?.status === "done" && !after.querySelector(".result")) {
      replace(after, createResult(saving.image, saving.dither, store.get("catalogue")), h("button", { type: "button", class: "button plain wide", onclick: showForm }, text.another));
    }
    const note = after.querySelector(".mail-note");
    if (saving.mailNote && !note) after.prepend(h("p", { class: "soft small mail-note" }, saving.mailNote));
  }

  return { open };
}
