/** The API key: the user is asked for it if the service requires one; kept until the tab closes. */

import { openDialog } from "./dialog.js";
import { freshId, h } from "./dom.js";
import { stored } from "./storage.js";
import { key as text } from "./strings.js";

const STORED = "api-key";
let key = stored("sessionStorage", (storage) => storage.getItem(STORED)) ?? "";
let asking = null;

export function apiKey() {
	return key;
}

/** → whether there is another key than `refused`; shows only one dialog at a time. */
export async function askForKey(refused) {
	if (key !== refused) return true;
	asking ??= ask(refused !== "").finally(() => (asking = null));
	return asking;
}

function ask(again) {
	return new Promise((resolve) => {
		const id = freshId("key");
		const input = h("input.input.code", { type: "password", id, autocomplete: "current-password", required: true, autofocus: true });
		const form = h(
			"form.save-form",
			h("p.soft", text.lead),
			h(".field", h("label.field-label", { for: id }, text.label), input, again && h("p.bad.small", { role: "alert" }, text.wrong)),
			h("button.button.primary.wide", { type: "submit" }, text.use),
		);
		form.addEventListener("submit", (event) => {
			event.preventDefault();
			key = input.value.trim();
			stored("sessionStorage", (storage) => storage.setItem(STORED, key));
			resolve(true);
			dialog.close();
		});
		const dialog = openDialog(text.heading, form, { kind: "narrow", onclose: () => resolve(false) });
	});
}
