/** A button that asks for a name and stores a value under it. */

import { h } from "./dom.js";
import { library } from "./library.js";
import { toast } from "./messages.js";
import { library as text } from "./strings.js";

/** `value()`: the value to store. */
export function keepButton(kind, label, value) {
	const name = h("input.input", { maxlength: "60", required: true, "aria-label": text.name, placeholder: text.name, autocomplete: "off" });
	const form = h("form.row.nowrap", { hidden: true }, name, h("button.button.compact.primary", { type: "submit" }, text.keep));
	const button = h("button.button.compact", { "aria-expanded": "false", onclick: () => toggle(form.hidden) }, label);

	function toggle(shown) {
		form.hidden = !shown;
		button.setAttribute("aria-expanded", String(shown));
		(shown ? name : button).focus();
	}
	form.addEventListener("submit", (event) => {
		event.preventDefault();
		const wanted = name.value.trim();
		if (!wanted) return;
		toast(library.put(kind, wanted, value()) ? text.kept(wanted) : text.cannotKeep);
		name.value = "";
		toggle(false);
	});
	return { button, form };
}
