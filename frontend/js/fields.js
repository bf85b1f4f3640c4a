/** Form controls. */

import { freshId, h, iconButton } from "./dom.js";
import { parseHex } from "./fragment.js";
import { scaleFor } from "./scales.js";
import * as strings from "./strings.js";

const text = strings.field;

/** A bar of radio buttons. `options`: [{value, title}]. `element.set(value)` shows another choice. */
export function segments(label, options, value, onchange) {
	const name = freshId("choice");
	const radios = options.map((option) => h("input", { type: "radio", name, value: option.value, checked: option.value === value, onchange: () => onchange(option.value) }));
	const bar = h(".segments", { role: "radiogroup", "aria-label": label }, options.map((option, i) => h("label", radios[i], h("span", option.title))));
	bar.set = (chosen) => radios.forEach((radio) => (radio.checked = radio.value === String(chosen)));
	return bar;
}

/** The control that fits an option of the catalogue. `onchange(value)`; `element.set(value)`. */
export function fieldFor(key, field, onchange) {
	const label = field.title;
	const wide = (field.max ?? Infinity) - (field.min ?? 0) > 1_000_000;
	const special = { kernel, background: colour }[key];
	const numeric = field.default === null || wide ? number : slider;
	const make = special ?? (field.values ? choice : field.type.includes("boolean") ? toggle : numeric);
	return make(key, label, field, onchange);
}

/** Fields for options, shown while the options are in use. `groups(catalogue)` → [[element, keys]]. */
export function bindFields(store, studio, groups) {
	const fields = new Map();
	store.on(["catalogue"], () => {
		for (const [element, keys] of groups(store.catalogue)) {
			for (const key of keys.filter((name) => store.catalogue.fields[name])) {
				fields.set(key, fieldFor(key, store.catalogue.fields[key], (value) => studio.change({ [key]: value })));
				element.append(fields.get(key));
			}
		}
		update();
	});
	store.on(["options"], update);

	function update() {
		for (const [key, field] of fields) {
			field.hidden = !store.catalogue.reads(store.options, key);
			field.set(store.options[key]);
		}
	}
}

/** A field with the description of its option, which screen readers read with `control`. */
function frame({ description }, control, ...content) {
	if (!description) return h(".field", content);
	const hint = h("p.soft.small", { id: freshId("hint") }, description);
	control.setAttribute("aria-describedby", hint.id);
	return h(".field", content, hint);
}

function labelled(field, label, control, more = null) {
	control.id = freshId("field");
	return frame(field, control, h("label.field-label", { for: control.id }, label), control, more);
}

function choice(key, label, field, onchange) {
	const bar = segments(label, field.values.map((value) => ({ value, title: strings.titleOf(value, strings.values) })), field.default, onchange);
	const element = frame(field, bar, h("span.field-label", label), bar);
	element.set = (value) => bar.set(value ?? field.default);
	return element;
}

function toggle(key, label, field, onchange) {
	const input = h("input", { type: "checkbox", role: "switch", onchange: () => onchange(input.checked) });
	const element = frame(field, input, h("label.switch", h("span.grow", label), input));
	element.set = (value) => (input.checked = value ?? field.default);
	return element;
}

/** A slider for quick changes and a number field for the exact value. */
export function slider(key, label, field, onchange) {
	const scale = scaleFor(field);
	const id = freshId("slider");
	const unit = strings.units[key] ?? "";
	const range = h("input", { type: "range", id, min: 0, max: 1000 });
	const exact = h("input.exact.numbers", { type: "number", min: field.min, max: field.max, step: scale.step, "aria-label": `${label}: ${field.min} to ${field.max}` });
	const back = iconButton("reset", text.reset(label), () => send(field.default), "compact");
	let current = field.default; // kept here, because the slider has too few positions for all values

	function show(value) {
		current = value;
		range.value = Math.round(scale.position(value) * 1000);
		range.setAttribute("aria-valuetext", value + unit);
		if (document.activeElement !== exact) exact.value = value;
		back.disabled = value === field.default;
	}
	function send(value) {
		show(value);
		onchange(value);
	}
	range.addEventListener("input", () => send(scale.value(range.value / 1000)));
	range.addEventListener("keydown", (event) => {
		const direction = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10 }[event.key];
		if (!direction) return;
		event.preventDefault();
		send(scale.stepped(current, direction));
	});
	exact.addEventListener("input", () => exact.value !== "" && exact.checkValidity() && send(scale.round(Number(exact.value))));
	exact.addEventListener("blur", () => (exact.value = current));

	const head = h(".field-head", h("label.grow", { for: id }, label), back, exact, unit && h("span.unit.soft", unit));
	const element = frame(field, range, head, range);
	element.set = (value) => show(value ?? field.default);
	element.set(field.default);
	return element;
}

function number(key, label, field, onchange) {
	const input = h("input.input.numbers", { type: "number", min: field.min, max: field.max, step: field.type.includes("integer") ? 1 : "any", placeholder: field.default === null && strings.size.asOriginal });
	input.addEventListener("input", () => {
		if (input.value === "") onchange(null);
		else if (input.checkValidity()) onchange(Number(input.value));
	});
	const element = labelled(field, [label, " ", h("span.soft", strings.units[key] ?? "")], input);
	element.set = (value) => {
		if (document.activeElement !== input) input.value = value ?? field.default ?? "";
	};
	return element;
}

function colour(key, label, field, onchange) {
	const input = h("input.well", { type: "color", oninput: () => onchange(parseHex(input.value)) });
	const element = labelled(field, label, input);
	element.set = (value) => (input.value = value ?? field.default);
	return element;
}

function kernel(key, label, field, onchange) {
	const bad = h("p.bad.small", { role: "alert", hidden: true }, text.kernelBad);
	const area = h("textarea.input", { rows: "3", spellcheck: "false" });
	area.addEventListener("input", () => {
		const rows = parseKernel(area.value);
		bad.hidden = rows !== null;
		area.setAttribute("aria-invalid", String(rows === null));
		if (rows) onchange(rows);
	});
	const element = labelled(field, label, area, bad);
	element.set = (rows) => {
		if (document.activeElement !== area) area.value = (rows ?? []).map((row) => [row].flat().join(" ")).join("\n");
	};
	return element;
}

/** Rows of numbers, or null; the engine checks the rest. */
function parseKernel(text) {
	const rows = text.trim().split("\n").map((row) => row.trim().split(/[\s,;]+/).map(Number));
	const fine = rows.every((row) => row.length === rows[0].length && row.length % 2 === 1 && row.every(Number.isFinite));
	return fine && text.trim() !== "" ? rows : null;
}
