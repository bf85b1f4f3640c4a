/** Form controls. */

import { button, freshId, h, iconButton, onKeys } from "./dom.js";
import { parseHex } from "./fragment.js";
import { scaleFor } from "./scales.js";
import * as strings from "./strings.js";

const text = strings.field;
const AUTO = "auto";

/** A bar of radio buttons. `options`: [[value, title], …]. `element.set(value)` shows another choice. */
export function segments(label, options, value, onchange) {
	const name = freshId("choice");
	const radios = options.map(([each]) => h("input", { type: "radio", name, value: each, checked: each === value, onchange: () => onchange(each) }));
	const bar = h(".segments", { role: "radiogroup", "aria-label": label }, options.map(([, title], i) => h("label", radios[i], h("span", title))));
	bar.set = (chosen) => radios.forEach((radio) => (radio.checked = radio.value === String(chosen)));
	return bar;
}

/** [a search field, what it says if nothing is found]: hides entries, {element, words}, and groups in `list` without any. */
export function searchField(label, nothing, list, entries) {
	const none = h("p.soft.small", { hidden: true }, nothing);
	const input = h("input.input", { type: "search", placeholder: label, "aria-label": label, autocomplete: "off", spellcheck: "false", oninput: filter });

	function filter() {
		const wanted = input.value.trim().toLowerCase().split(/\s+/);
		for (const { element, words } of entries()) element.hidden = !wanted.every((word) => words.includes(word));
		for (const group of list.children) group.hidden = !group.querySelector(".entry:not([hidden])");
		none.hidden = [...list.children].some((group) => !group.hidden);
	}
	return [input, none];
}

/** Colours side by side. */
export const strip = (colours) => h("span.strip", { "aria-hidden": "true" }, colours.map((colour) => h("span", { style: { "background-color": colour } })));

/** The control that fits an option of the catalogue. `onchange(value)`; `element.set(value)`. */
export function fieldFor(key, field, onchange) {
	const label = field.title;
	const wide = (field.max ?? Infinity) - (field.min ?? 0) > 1_000_000;
	const special = { kernel: rows, exclude: rows, background: colour }[key];
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
	const bar = segments(label, field.values.map((value) => [value, strings.titleOf(value, strings.values)]), field.default, onchange);
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
	const auto = field.type.includes("string") && button(text.auto, () => send(current === AUTO ? field.default : AUTO));
	let current = field.default; // kept here, because the slider has too few positions for all values

	const plain = () => (current === AUTO ? field.default : current);

	function show(value) {
		current = value;
		range.value = Math.round(scale.position(plain()) * 1000);
		range.setAttribute("aria-valuetext", value + unit);
		if (document.activeElement !== exact) exact.value = value === AUTO ? "" : value;
		if (auto) auto.ariaPressed = String(value === AUTO);
		back.disabled = value === field.default;
	}
	function send(value) {
		show(value);
		onchange(value);
	}
	range.addEventListener("input", () => send(scale.value(range.value / 1000)));
	onKeys(range, { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10 }, (by) => send(scale.stepped(plain(), by)));
	exact.addEventListener("input", () => exact.value !== "" && exact.checkValidity() && send(scale.round(Number(exact.value))));
	exact.addEventListener("blur", () => show(current));

	const head = h(".field-head", h("label.grow", { for: id }, label), back, auto, exact, unit && h("span.unit.soft", unit));
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

/** Rows of numbers: each of an odd number for a kernel; x, y, width, height for a rectangle. */
function rows(key, label, field, onchange) {
	const isKernel = key === "kernel";
	const bad = h("p.bad.small", { role: "alert", hidden: true }, text.rowsBad[key]);
	const area = h("textarea.input", { rows: "3", spellcheck: "false" });
	area.addEventListener("input", () => {
		const lines = area.value.split("\n").filter((line) => line.trim());
		const read = lines.map((line) => line.trim().split(/[\s,;]+/).map(Number));
		const isFine = (row) => row.length === read[0].length && row.every(Number.isFinite) && (isKernel ? row.length % 2 : row.length === 4);
		bad.hidden = read.every(isFine) && (read.length > 0 || !isKernel);
		area.setAttribute("aria-invalid", String(!bad.hidden));
		if (bad.hidden) onchange(read.length > 0 ? read : null);
	});
	const element = labelled(field, label, area, bad);
	element.set = (value) => {
		if (document.activeElement !== area) area.value = (value ?? []).map((row) => [row].flat().join(" ")).join("\n");
	};
	return element;
}
