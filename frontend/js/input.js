/** Dropped and pasted pictures, and the keys for undo and redo. */

import { h } from "./dom.js";
import { entriesOf, filesOf } from "./dropped.js";
import { errors, welcome } from "./strings.js";
import { toast } from "./messages.js";

/** `openAll(files)`: one or many. */
export function watchInput(store, studio, openAll) {
	const veil = h(".drop-veil", { hidden: true, "aria-hidden": "true" }, h("span", welcome.dropNow));
	document.body.append(veil);

	for (const name of ["dragover", "drop"]) {
		window.addEventListener(name, (event) => {
			if (!event.dataTransfer?.types.includes("Files")) return;
			event.preventDefault();
			veil.hidden = name === "drop";
			if (name === "drop") filesOf(entriesOf(event.dataTransfer)).then(openAll);
		});
	}
	window.addEventListener("dragleave", (event) => {
		if (event.relatedTarget === null) veil.hidden = true;
	});

	window.addEventListener("paste", (event) => {
		if (isTyping(event.target)) return;
		const files = [...(event.clipboardData?.files ?? [])].filter(({ type }) => type.startsWith("image/"));
		if (files.length > 0) openAll(files);
		else toast(errors.noImagePasted);
	});

	window.addEventListener("keydown", (event) => {
		if (!(event.ctrlKey || event.metaKey) || event.altKey || isTyping(event.target)) return;
		if (!store.source || document.querySelector("dialog[open]")) return;
		const key = event.key.toLowerCase();
		if (key === "z" && !event.shiftKey) studio.undo();
		else if (key === "y" || key === "z") studio.redo();
		else return;
		event.preventDefault();
	});
}

/** Text fields have their own paste and undo. */
export function isTyping(target) {
	return target instanceof Element && target.matches(".input, .exact, textarea, select");
}
