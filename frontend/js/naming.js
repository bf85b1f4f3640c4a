/** Small forms that a button opens, and the one that stores a value under a name. */

import { h } from "./dom.js";
import { library } from "./library.js";
import { toast } from "./messages.js";
import { library as text } from "./strings.js";

/** → {button, form}. `content` has `field`; `onuse()` → whether it was used, and the form closes. */
export function foldedForm(kind, { label, use, field, content, onuse }) {
	const form = h(`form.${kind}`, { hidden: true }, content, h("button.button.compact.primary", { type: "submit" }, use));
	const button = h("button.button.compact", { "aria-expanded": "false", onclick: () => toggle(form.hidden) }, label);

	function toggle(shown) {
		form.hidden = !shown;
		button.setAttribute("aria-expanded", String(shown));
		(shown ? field : button).focus();
	}
	form.addEventListener("submit", (event) => {
		event.preventDefault();
		if (!onuse()) return;
		field.value = "";
		toggle(false);
	});
	return { button, form };
}

/** `value()`: the value to store. */
export function keepButton(kind, label, value) {
	const field = h("input.input", { maxlength: "60", required: true, "aria-label": text.name, placeholder: text.name, autocomplete: "off" });
	function onuse() {
		const wanted = field.value.trim();
		if (wanted) toast(library.put(kind, wanted, value()) ? text.kept(wanted) : text.cannotKeep);
		return wanted;
	}
	return foldedForm("row.nowrap", { label, use: text.keep, field, content: field, onuse });
}
