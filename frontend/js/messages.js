/** Announcements to screen readers, and short messages at the edge of the page. */

import { button, h, iconButton } from "./dom.js";
import { dialog } from "./strings.js";

const SHOWN_MS = 4000;
const spoken = h(".sr-only", { role: "status", "aria-live": "polite" });
const region = h(".toasts", { role: "region", "aria-label": dialog.messages });
moveMessages();

/** Moves the messages into the topmost dialog: outside of it they are neither visible nor announced. */
export function moveMessages() {
	([...document.querySelectorAll("dialog[open]")].at(-1) ?? document.body).append(spoken, region);
}

let timer = 0;
/** Tells screen readers what changed, without moving the focus. */
export function announce(text) {
	clearTimeout(timer);
	// Emptied first: otherwise a repeated sentence would not be announced again.
	spoken.textContent = "";
	timer = setTimeout(() => (spoken.textContent = text), 60);
}

/**
 * `action`: {label, run}. `ms`: how long it is shown, paused while it has the pointer or the focus.
 * `onend` is called when it closes and its action was not used.
 */
export function toast(text, { action = null, ms = SHOWN_MS, onend = () => {} } = {}) {
	let timer = 0;
	const end = (then) => {
		clearTimeout(timer);
		if (!element.isConnected) return;
		element.remove();
		then();
	};
	const start = () => (timer = setTimeout(end, ms, onend));
	const hold = () => clearTimeout(timer);
	const element = h(
		".toast",
		{ onpointerenter: hold, onfocusin: hold, onpointerleave: start, onfocusout: start },
		h("span.grow", text),
		action && button(action.label, () => end(action.run)),
		iconButton("close", dialog.dismiss, () => end(onend), "compact"),
	);
	region.append(element);
	announce(text);
	start();
}
