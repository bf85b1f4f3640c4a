/** A modal dialog; when it closes, the focus returns to where it was. */

import { freshId, h, iconButton } from "./dom.js";
import { moveMessages } from "./messages.js";
import * as strings from "./strings.js";

export function openDialog(heading, content, { onclose = () => {}, kind = "" } = {}) {
	const id = freshId("dialog");
	const from = document.activeElement;
	const dialog = h(
		`dialog.dialog.${kind}`,
		{ "aria-labelledby": id },
		h(".dialog-head", h("h2.grow", { id }, heading), iconButton("close", strings.dialog.close, () => dialog.close())),
		h(".dialog-body", content),
	);
	dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
	dialog.addEventListener("close", () => {
		moveMessages();
		dialog.remove();
		if (from?.isConnected) from.focus();
		onclose();
	});
	document.body.append(dialog);
	dialog.showModal();
	moveMessages();
	return dialog;
}
