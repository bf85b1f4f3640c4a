/** Pictures that are dropped or pasted anywhere on the page, and the keys of undo and redo. */

import { h } from "./dom.js";
import { strings } from "./strings.js";
import { toast } from "./toasts.js";

export function watchInput(store, studio) {
  const veil = h("div", { class: "drop-veil", hidden: true, "aria-hidden": "true" }, h("span", {}, strings.welcome.dropNow));
  document.body.append(veil);
  const hasFile = (event) => event.dataTransfer?.types.includes("Files");

  window.addEventListener("dragover", (event) => {
    if (!hasFile(event)) return;
    event.preventDefault();
    veil.hidden = false;
  });
  window.addEventListener("dragleave", (event) => {
    if (event.relatedTarget === null) veil.hidden = true;
  });
  window.addEventListener("drop", (event) => {
    veil.hidden = true;
    if (!hasFile(event)) return;
    event.preventDefault();
    const [file] = event.dataTransfer.files;
    if (file) studio.open(file);
  });

  window.addEventListener("paste", (event) => {
    if (isTyping(event.target)) return;
    const file = [...(event.clipboardData?.files ?? [])].find(({ type }) => type.startsWith("image/"));
    if (file) studio.open(file);
    else toast(strings.errors.noImagePasted);
  });

  window.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.altKey || isTyping(event.target)) return;
    if (!store.get("source") || document.querySelector("dialog[open]")) return;
    const key = event.key.toLowerCase();
    if (key === "z" && !event.shiftKey) studio.undo();
    else if (key === "y" || (key === "z" && event.shiftKey)) studio.redo();
    else return;
    event.preventDefault();
  });
}

/** Text fields have a clipboard and an undo of their own. */
function isTyping(target) {
  return target instanceof Element && target.matches("textarea, input:not([type=range], [type=radio], [type=checkbox], [type=color], [type=file])");
}
