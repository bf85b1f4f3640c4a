/** The start: drop, choose, take or paste a picture, or try a sample. */

import { api } from "./api.js";
import { openCamera } from "./camera.js";
import { h, icon, replace } from "./dom.js";
import { noticeOf } from "./notice.js";
import { samples, welcome as text } from "./strings.js";

/** samples/README.md names their sources. */
export const SAMPLES = Object.keys(samples);
export function openSample(name, studio) {
	const file = api.blob(`/samples/${name}.jpg`).then((blob) => new File([blob], `${samples[name]}.jpg`, { type: "image/jpeg" }));
	return studio.open(file, { sample: name });
}

/** `openAll(files)`: one or many. */
export function createWelcome(store, studio, openAll) {
	const input = h("input.sr-only", { type: "file", accept: "image/*,.tif,.tiff,.heic,.heif", multiple: true, tabindex: "-1", "aria-hidden": "true", onchange: take });
	const pick = () => input.click();
	const camera = navigator.mediaDevices && h("button.button", { onclick: () => openCamera(studio.open) }, icon("camera"), text.camera);
	const formats = h("p.soft.small", text.formats());
	const problem = h(".welcome-problem");
	const element = h(
		".welcome",
		h(".welcome-text", h("h1", text.heading), h("p.lead", text.lead)),
		problem,
		h(".drop-zone", h("p.drop-title", { "aria-hidden": "true" }, text.drop), h(".row.center", h("button.button.primary", { onclick: pick }, icon("upload"), text.choose), camera), h("p.soft.small", text.paste), formats, input),
		h("h2.samples-title", text.samples),
		h("ul.samples", SAMPLES.map((name) => h("li", card(name)))),
	);

	function take() {
		const files = [...input.files];
		if (files.length > 0) openAll(files);
		input.value = "";
	}

	function card(name) {
		const picture = (kind, type) => h(`img.${kind}`, { src: `samples/${name}-${kind}.${type}`, alt: "", width: 240, height: 160 });
		return h("button.sample", { onclick: () => open(name) }, h("span.sample-pictures", picture("plain", "jpg"), picture("dithered", "png")), h("span", samples[name]));
	}

	async function open(name) {
		try {
			if (await openSample(name, studio)) studio.begin(store.catalogue.samples[name]);
			studio.writeAddress();
		} catch (error) {
			store.set({ error: { error, retry: () => open(name) } });
		}
	}

	store.on(["error", "source"], () => replace(problem, !store.source && noticeOf(store)));
	store.on(["opening"], () => element.classList.toggle("opening", store.opening));
	store.on(["catalogue"], () => (formats.textContent = text.formats(store.catalogue.limits?.max_bytes)));
	return { element, pick };
}
