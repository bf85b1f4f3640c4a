/** Download: the picture as a file, made on request; nothing is stored, published or mailed. */

import { api, ApiError } from "./api.js";
import { h, icon, replace } from "./dom.js";
import { fileName } from "./filename.js";
import { engineOptions, sizeProblem } from "./output.js";
import { lookOf } from "./presets.js";
import { announce, toast } from "./messages.js";
import { save as text } from "./strings.js";

/** → the button with the choice of format beside it, and `run()`. */
export function createDownload(store, studio) {
	const label = h("span");
	const button = h("button.button.primary.grow", { onclick: run }, icon("save"), label);
	const format = h("select.input.format", { "aria-label": text.format, onchange: () => studio.change({ format: format.value }) });
	let busy = false;

	const current = () => store.catalogue.format(engineOptions(store.options, store.source));

	store.on(["catalogue"], () => replace(format, store.catalogue.formats.map(({ name, title }) => h("option", { value: name }, title))));
	store.on(["catalogue", "options", "source", "result"], () => {
		if (!store.source || !store.catalogue) return;
		const { name, title } = current();
		format.value = name;
		label.textContent = text.download(store.catalogue.panelOf(store.options) ? text.panelFile : title);
	});

	async function run() {
		const { source, options, catalogue } = store;
		if (busy || !source) return;
		const problem = sizeProblem(store);
		if (problem) return toast(problem);
		busy = true;
		button.classList.add("working");
		try {
			const engine = engineOptions(options, source);
			const blob = await api.file(source, engine);
			const name = fileName(source.name, lookOf(catalogue, options), catalogue.format(engine).suffix);
			saveFile(blob, name);
			announce(text.downloaded(name));
		} catch (error) {
			if (!(error instanceof ApiError)) throw error;
			store.set({ error: { error, retry: run } });
		} finally {
			busy = false;
			button.classList.remove("working");
		}
	}

	return { element: h(".row.nowrap.download", button, format), run };
}

export function saveFile(blob, name) {
	const href = URL.createObjectURL(blob);
	h("a", { href, download: name }).click();
	setTimeout(() => URL.revokeObjectURL(href), 60_000);
}
