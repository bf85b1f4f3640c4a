/** A modal dialog with a heading and a way out; the focus goes back to where it was. */

import { freshId, h, iconButton } from "./dom.js";
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
		// Messages that were moved into the dialog outlive it.
		const toasts = dialog.querySelector(".toasts");
		if (toasts) document.body.append(toasts);
		dialog.remove();
		if (from?.isConnected) from.focus();
		onclose();
	});
	document.body.append(dialog);
	dialog.showModal();
	return dialog;
}
