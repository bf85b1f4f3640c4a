/** Keyboard shortcuts, and the sheet that lists them. They can be switched off. */

import { openDialog } from "./dialog.js";
import { h } from "./dom.js";
import { isTyping } from "./input.js";
import { stored } from "./storage.js";
import { shortcuts as text } from "./strings.js";

const OFF = "shortcuts-off";

/** `actions`: {key: run}; what each does is in strings.js. */
export function watchShortcuts(store, actions) {
	let isOff = Boolean(stored("localStorage", (storage) => storage.getItem(OFF)));

	window.addEventListener("keydown", (event) => {
		if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || document.querySelector("dialog[open]")) return;
		if (event.key === "?") showSheet();
		else if (!isOff && store.view === "studio" && store.source && actions[event.key]) actions[event.key]();
		else return;
		event.preventDefault();
	});

	function showSheet() {
		const toggle = h("input", { type: "checkbox", role: "switch", checked: !isOff, onchange: () => switchOff(!toggle.checked) });
		const rows = Object.entries(text.keys).map(([key, does]) => h("div", h("dt", h("kbd", key)), h("dd", does)));
		openDialog(text.heading, [h("dl.keys", rows), h("label.switch", h("span.grow", text.use), toggle)], { kind: "narrow" });
	}

	function switchOff(yes) {
		isOff = yes;
		stored("localStorage", (storage) => storage.setItem(OFF, yes ? "1" : ""));
	}

	return showSheet;
}
