/** Where one begins: drop, choose, take or paste a picture, or try a sample. */

import { openCamera } from "./camera.js";
import { h, icon, replace } from "./dom.js";
import { notice } from "./notice.js";
import { SAMPLES, sampleFile } from "./samples.js";
import { strings } from "./strings.js";

const text = strings.welcome;

export function createWelcome(store, studio) {
  const input = h("input", { type: "file", accept: "image/*,.tif,.tiff", class: "sr-only", tabindex: "-1", "aria-hidden": "true", onchange: () => take(input.files[0]) });
  const choose = h("button", { type: "button", class: "button primary", onclick: () => input.click() }, icon("upload"), text.choose);
  const camera = navigator.mediaDevices?.getUserMedia
    ? h("button", { type: "button", class: "button", onclick: () => openCamera((file) => studio.open(file)) }, icon("camera"), text.camera)
    : null;
  const formats = h("p", { class: "soft small" }, text.formats());
  const problem = h("div", { class: "welcome-problem" });
  const samples = h("ul", { class: "samples" }, SAMPLES.map((name) => h("li", {}, card(name))));
  const element = h(
    "div",
    { class: "welcome" },
    h("div", { class: "welcome-text" }, h("h1", {}, text.heading), h("p", { class: "lead" }, text.lead)),
    problem,
    h("div", { class: "drop-zone" }, h("p", { class: "drop-title", "aria-hidden": "true" }, text.drop), h("div", { class: "row center" }, choose, camera), h("p", { class: "soft small" }, text.paste), formats, input),
    h("h2", { class: "samples-title" }, text.samples),
    samples,
  );

  function take(file) {
    if (file) studio.open(file);
    input.value = "";
  }

  function card(name) {
    const picture = (kind, type) => h("img", { src: `/samples/${name}-${kind}.${type}`, alt: "", width: "240", height: "160", class: kind });
    return h(
      "button",
      { type: "button", class: "sample", onclick: () => open(name) },
      h("span", { class: "sample-pictures" }, picture("plain", "jpg"), picture("dithered", "png")),
      h("span", {}, strings.samples[name]),
    );
  }

  async function open(name) {
    try {
      await studio.open(await sampleFile(name), { sample: name });
    } catch (error) {
      store.set({ error: { sentence: error.message, error, retry: () => open(name) } });
    }
  }

  store.on(["error", "source"], () => {
    const failure = store.get("source") ? null : store.get("error");
    replace(problem, failure ? notice(failure.sentence, { ...failure, dismiss: failure.retry ? null : () => store.set({ error: null }) }) : null);
  });
  store.on(["opening"], () => element.classList.toggle("opening", store.get("opening")));
  store.on(["catalogue"], () => (formats.textContent = text.formats(store.get("catalogue").limits?.max_bytes)));
  return { element, pick: () => input.click() };
}
