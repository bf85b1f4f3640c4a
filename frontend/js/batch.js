/** Many pictures: a strip of all, shared options that a picture may override, a ZIP of the results. */

import { api } from "./api.js";
import { saveFile } from "./download.js";
import { h, icon, iconButton, replace } from "./dom.js";
import { distinct, fileName } from "./filename.js";
import { announce, toast } from "./messages.js";
import { engineOptions } from "./output.js";
import { lookOf } from "./presets.js";
import { createQueue } from "./queue.js";
import { sizeOf } from "./source.js";
import { batch as text } from "./strings.js";
import { thumbnail } from "./thumbnails.js";
import { zip } from "./zip.js";

/** → openAll(files): opens one picture alone, many as a batch; reports files that are no pictures. */
export function createOpening(studio, batch) {
	return async (files) => {
		const pictures = files.filter(({ type, name }) => type.startsWith("image/") || /\.tiff?$/i.test(name));
		if (files.length === 1 || pictures.length === 1) await studio.open(pictures[0] ?? files[0]);
		else if (pictures.length > 1) await batch.open(pictures);
		const left = files.length - pictures.length;
		if (files.length > 1 && left > 0) toast(text.leftOut(left));
	};
}

/** An item: {file, own: options or null, element, …} and the fields that the queue adds. */
export function createBatch(store, studio) {
	let current = null;
	let shared = {};
	const strip = h("ul.strip-items");
	const bar = h("progress.progress", { max: "1", "aria-label": text.progress });
	const status = h("span.small.numbers", { role: "status" });
	const own = h("input", { type: "checkbox", role: "switch", onchange: () => (setOwn(own.checked), own.focus()) });
	const run = h("button.button.compact.primary", { onclick: toggle });
	const element = h(
		"section.batch",
		{ "aria-label": text.label, hidden: true },
		strip,
		h(".row.batch-bar", run, bar, status, h("span.grow"), h("label.switch.small", own, h("span", text.own)), iconButton("close", text.close, close, "compact")),
	);
	const queue = createQueue(make, { onchange: update });
	let zipping = false;

	async function make(item, signal) {
		const source = { file: item.file, ...(await sizeOf(item.file, { signal })) };
		item.made = optionsOf(item);
		const engine = engineOptions(item.made, source);
		return { blob: await api.file(source, engine, { signal }), ...store.catalogue.format(engine) };
	}

	const optionsOf = (item) => item.own ?? shared;

	async function toggle() {
		if (queue.isRunning) return queue.stop();
		const { done } = queue.counts();
		if (done < queue.items.length) await queue.start();
		const { waiting, working } = queue.counts();
		if (waiting + working === 0) await pack();
	}

	/** Saves all results in one file; failed ones are reported and left out. */
	async function pack() {
		const done = queue.items.filter(({ state }) => state === "done");
		if (done.length === 0 || zipping) return;
		zipping = true;
		const names = distinct(done.map(({ file, made, result }) => (file.path ?? "") + fileName(file.name, lookOf(store.catalogue, made), result.suffix)));
		try {
			saveFile(await zip(done.map(({ result }, i) => ({ name: names[i], blob: result.blob }))), text.fileName);
			toast(text.zipped(done.length, queue.items.length - done.length));
		} catch (error) {
			if (!(error instanceof RangeError)) throw error;
			toast(error.message);
		} finally {
			zipping = false;
		}
	}

	function add(file) {
		const item = { file, own: null };
		const mark = h("span.strip-mark");
		const button = h("button.strip-item", { title: file.name, onclick: () => show(item) }, thumbnail(file), h("span.sr-only", file.name), mark);
		Object.assign(item, { mark, button, element: h("li", button) });
		queue.add(item);
		strip.append(item.element);
	}

	/** Opens one of the pictures on the stage, with its options. */
	async function show(item) {
		keepOptions();
		current = null;
		const shown = await studio.open(item.file, { batch: item });
		if (!shown) return update();
		current = item;
		own.checked = item.own !== null;
		studio.begin(optionsOf(item));
		studio.writeAddress();
		item.button.scrollIntoView({ block: "nearest", inline: "nearest" });
		update();
	}

	/** Keeps the options on the screen: for the picture shown, or for all without options of their own. */
	function keepOptions() {
		if (!current || element.hidden) return;
		const { options } = store;
		if (JSON.stringify(options) === JSON.stringify(optionsOf(current))) return;
		if (current.own) {
			current.own = options;
			queue.renew([current]);
		} else {
			shared = options;
			queue.renew(queue.items.filter((item) => !item.own));
		}
	}

	function setOwn(yes) {
		if (!current) return;
		current.own = yes ? { ...store.options } : null;
		if (!yes) studio.begin(shared);
		queue.renew([current]);
	}

	function update() {
		const { done, failed, working } = queue.counts();
		const total = queue.items.length;
		bar.value = total ? (done + failed) / total : 0;
		bar.hidden = done + failed + working === 0;
		status.textContent = text.status(done, total, failed);
		const label = queue.isRunning ? text.stop : done === total ? text.again : done + failed > 0 ? text.resume : text.start(total);
		replace(run, icon(queue.isRunning ? "close" : "save"), label);
		for (const item of queue.items) {
			item.mark.dataset.state = item.state;
			item.button.setAttribute("aria-current", String(item === current));
			item.mark.textContent = text.states[item.state];
			item.button.title = item.error ? `${item.file.name}: ${item.error.message}` : item.file.name;
		}
	}

	function close() {
		queue.stop();
		for (const item of [...queue.items]) queue.remove(item);
		strip.replaceChildren();
		current = null;
		element.hidden = true;
	}

	store.on(["options"], keepOptions);
	// Opening another single picture ends the batch.
	store.on(["source"], () => !element.hidden && !store.source?.batch && close());
	window.addEventListener("beforeunload", (event) => queue.isRunning && event.preventDefault());

	return {
		element,

		/** Adds the pictures to the batch. */
		async open(files) {
			if (element.hidden) shared = store.options;
			element.hidden = false;
			for (const file of files) add(file);
			announce(text.opened(files.length));
			if (!current) await show(queue.items[0]);
		},
	};
}
