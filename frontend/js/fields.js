/** Form controls: a bar of choices, a switch, a slider with a number, a number, a colour. */

import { freshId, h, iconButton } from "./dom.js";
import { parseHex } from "./fragment.js";
import { createKernelField } from "./kernel.js";
import { scaleFor } from "./scales.js";
import * as strings from "./strings.js";

const text = strings.field;

/** A bar of radios. `options`: [{value, title}]. `element.set(value)` shows another choice. */
export function segments(label, options, value, onchange) {
	const name = freshId("choice");
	const radios = options.map((option) => h("input", { type: "radio", name, value: option.value, checked: option.value === value, onchange: () => onchange(option.value) }));
	const bar = h(".segments", { role: "radiogroup", "aria-label": label }, options.map((option, i) => h("label", radios[i], h("span", option.title))));
	bar.set = (chosen) => radios.forEach((radio) => (radio.checked = radio.value === String(chosen)));
	return bar;
}

/** The control that fits an option of the catalogue. `onchange(value)`; `element.set(value)`. */
export function fieldFor(key, field, onchange) {
	const label = strings.titleOf(key, strings.fields);
	const wide = (field.max ?? Infinity) - (field.min ?? 0) > 1_000_000;
	const make = key === "kernel" ? createKernelField
		: field.values ? choice
		: field.type.includes("boolean") ? toggle
		: key === "background" ? colour
		: field.default === null || wide ? number
		: slider;
	return make(key, label, field, onchange);
}

/**
 * Fields for options, shown while they are read. `groups(catalogue)` → [[element, keys]].
 */
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

function choice(key, label, field, onchange) {
	const bar = segments(label, field.values.map((value) => ({ value, title: strings.titleOf(value, strings.values) })), field.default, onchange);
	const element = h(".field", { title: field.description }, h("span.field-label", label), bar);
	element.set = (value) => bar.set(value ?? field.default);
	return element;
}

function toggle(key, label, field, onchange) {
	const input = h("input", { type: "checkbox", role: "switch", onchange: () => onchange(input.checked) });
	const element = h("label.field.switch", { title: field.description }, h("span.grow", label), input);
	element.set = (value) => (input.checked = value ?? field.default);
	return element;
}

/** A slider for the eye and a number for the exact value; a double click goes back to the default. */
export function slider(key, label, field, onchange) {
	const scale = scaleFor(field);
	const id = freshId("slider");
	const unit = strings.units[key] ?? "";
	const range = h("input", { type: "range", id, min: 0, max: 1000 });
	const exact = h("input.exact.numbers", { type: "number", min: field.min, max: field.max, step: scale.step, "aria-label": `${label}: ${text.range(field.min, field.max)}` });
	const back = iconButton("reset", text.reset(label), () => send(field.default), "compact");
	const current = () => scale.value(range.value / 1000);

	function show(value) {
		range.value = Math.round(scale.position(value) * 1000);
		range.setAttribute("aria-valuetext", value + unit);
		if (document.activeElement !== exact) exact.value = value;
		back.disabled = value === field.default;
	}
	function send(value) {
		show(value);
		onchange(value);
	}
	range.addEventListener("input", () => send(current()));
	range.addEventListener("keydown", (event) => {
		// Arrow keys step by the value, not by the track: 1000 positions are for the mouse.
		const direction = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10 }[event.key];
		if (!direction) return;
		event.preventDefault();
		send(scale.stepped(current(), direction));
	});
	range.addEventListener("dblclick", () => send(field.default));
	exact.addEventListener("input", () => exact.value !== "" && exact.checkValidity() && send(scale.round(Number(exact.value))));
	exact.addEventListener("blur", () => (exact.value = current()));

	const head = h(".field-head", h("label.grow", { for: id }, label), back, exact, unit && h("span.unit.soft", unit));
	const element = h(".field", { title: field.description }, head, range);
	element.set = (value) => show(value ?? field.default);
	element.set(field.default);
	return element;
}

function number(key, label, field, onchange) {
	const id = freshId("number");
	const input = h("input.input.numbers", { type: "number", id, min: field.min, max: field.max, step: field.type.includes("integer") ? 1 : "any", placeholder: field.default === null && strings.size.asOriginal });
	input.addEventListener("input", () => {
		if (input.value === "") onchange(null);
		else if (input.checkValidity()) onchange(Number(input.value));
	});
	const dice = key === "seed" && iconButton("dice", text.shuffle, () => onchange(Math.floor(Math.random() * 10_000)));
	const element = h(".field", { title: field.description }, h("label.field-label", { for: id }, label, " ", h("span.soft", strings.units[key] ?? "")), h(".row.nowrap", input, dice));
	element.set = (value) => {
		if (document.activeElement !== input) input.value = value ?? field.default ?? "";
	};
	return element;
}

function colour(key, label, field, onchange) {
	const id = freshId("colour");
	const input = h("input.well", { type: "color", id, oninput: () => onchange(parseHex(input.value)) });
	const element = h(".field", { title: field.description }, h("label.field-label", { for: id }, label), input);
	element.set = (value) => (input.value = value ?? field.default);
	return element;
}
