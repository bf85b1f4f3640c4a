/** Name and size of the picture, and the actions for it. */

import { h, icon, iconButton } from "./dom.js";
import { copyText } from "./saved.js";
import { openSheet } from "./sheet.js";
import { format, stage as text } from "./strings.js";

export function createPictureBar(store, studio, pick) {
	const name = h("h1.picture-name");
	const size = h("span.soft.small.numbers");
	const undo = iconButton("undo", text.undo, studio.undo);
	const redo = iconButton("redo", text.redo, studio.redo);

	function update() {
		const { source } = store;
		name.textContent = name.title = source?.name ?? "";
		size.textContent = source?.width ? `${format.dimensions(source)} · ${format.bytes(source.file.size)}` : "";
		undo.disabled = !store.canUndo;
		redo.disabled = !store.canRedo;
	}
	store.on(["source", "sized", "canUndo", "canRedo"], update);
	update();

	return h(
		".picture-bar",
		h("button.button.compact", { onclick: pick, "aria-label": text.change, title: text.change }, icon("upload"), h("span.wide-only", text.other)),
		h(".picture-title", name, size),
		iconButton("looks", text.sheet, () => openSheet(store), ".wide-only"),
		undo,
		redo,
		iconButton("reset", text.reset, studio.reset),
		iconButton("link", text.share, () => (studio.writeAddress(), copyText(window.location.href))),
	);
}
