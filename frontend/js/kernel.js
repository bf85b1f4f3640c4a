/** A text area for a kernel of one's own: rows of weights. */

import { freshId, h } from "./dom.js";
import * as strings from "./strings.js";

export function createKernelField(key, label, field, onchange) {
	const id = freshId("kernel");
	const bad = h("p.bad.small", { id: `${id}-bad`, hidden: true }, strings.field.kernelBad);
	const area = h("textarea.input", { id, rows: "3", spellcheck: "false", "aria-describedby": bad.id });
	area.addEventListener("input", () => {
		const kernel = parseKernel(area.value);
		bad.hidden = kernel !== null;
		area.setAttribute("aria-invalid", String(kernel === null));
		if (kernel) onchange(kernel);
	});
	const element = h(".field", { title: field.description }, h("label.field-label", { for: id }, label), area, bad);
	element.set = (kernel) => {
		if (document.activeElement !== area) area.value = (kernel ?? []).map((row) => row.join(" ")).join("\n");
	};
	return element;
}

/** Rows of numbers, or null. The engine checks the rest and says what is wrong. */
function parseKernel(text) {
	const rows = text.trim().split("\n").map((row) => row.trim().split(/[\s,;]+/).map(Number));
	const fine = rows.every((row) => row.length === rows[0].length && row.length % 2 === 1 && row.every(Number.isFinite));
	return fine && text.trim() !== "" ? rows : null;
}
