/** Form controls: a bar of choices, a switch, a slider with a number, a number, a colour. */

import { freshId, h, iconButton, setStyle } from "./dom.js";
import { parseHex } from "./fragment.js";
import { scaleFor } from "./scales.js";
import { strings } from "./strings.js";

const text = strings.field;

/** A bar of radios. `options`: [{value, title}]. `element.set(value)` shows another choice. */
export function segments({ label, options, value, onchange }) {
  const name = freshId("choice");
  const radios = options.map((option) =>
    h("input", { type: "radio", name, value: option.value, checked: option.value === value, onchange: () => onchange(option.value) }),
  );
  const bar = h(
    "div",
    { class: "segments", role: "radiogroup", "aria-label": label },
    options.map((option, i) => h("label", {}, radios[i], h("span", {}, option.title))),
  );
  bar.set = (chosen) => radios.forEach((radio) => (radio.checked = radio.value === chosen));
  return bar;
}

/**
 * The control that fits an option of the catalogue. `onchange(value)`; `element.set(value)`.
 * Text, lists and kernels have controls of their own.
 */
export function fieldFor(key, field, onchange) {
  const label = strings.fields[key] ?? key;
  if (field.values) return choice(key, label, field, onchange);
  if (field.type.includes("boolean")) return toggle(label, field, onchange);
  if (key === "background") return colour(label, field, onchange);
  const nullable = field.default === null;
  const wide = (field.max ?? Infinity) - (field.min ?? 0) > 1_000_000;
  if (nullable || wide) return number(key, label, field, onchange);
  return slider(key, label, field, onchange);
}

function frame(kind, label, field, content, head = null) {
  return h("div", { class: `field ${kind}`, title: field.description }, head ?? h("span", { class: "field-label" }, label), content);
}

function choice(key, label, field, onchange) {
  const options = field.values.map((value) => ({ value, title: strings.values[value] ?? value }));
  const bar = segments({ label, options, value: field.default, onchange });
  const element = frame("choice", label, field, bar);
  element.set = (value) => bar.set(value ?? field.default);
  return element;
}

function toggle(label, field, onchange) {
  const input = h("input", { type: "checkbox", role: "switch", onchange: () => onchange(input.checked) });
  const element = h("label", { class: "field switch", title: field.description }, h("span", { class: "grow" }, label), input);
  element.set = (value) => (input.checked = value ?? field.default);
  return element;
}

/** A slider for the eye and a number for the exact value; a double click goes back to the default. */
export function slider(key, label, field, onchange) {
  const scale = scaleFor(field);
  const id = freshId("slider");
  const range = h("input", { type: "range", id, min: "0", max: "1000", step: "1" });
  const exact = h("input", { type: "number", class: "exact numbers", min: field.min, max: field.max, step: scale.step, "aria-label": `${label}: ${text.range(field.min, field.max)}` });
  const back = iconButton("reset", text.reset(label), () => send(field.default), { class: "compact" });

  function show(value) {
    range.value = Math.round(scale.position(value) * 1000);
    setStyle(range, { "--fill": `${scale.position(value) * 100}%` });
    range.setAttribute("aria-valuetext", `${value}${strings.units[key] ?? ""}`);
    if (document.activeElement !== exact) exact.value = value;
    back.classList.toggle("unseen", value === field.default);
    back.disabled = value === field.default;
  }
  function send(value) {
    show(value);
    onchange(value);
  }
  range.addEventListener("input", () => send(scale.value(Number(range.value) / 1000)));
  range.addEventListener("keydown", (event) => {
    // Arrow keys step by the value, not by the track: 1000 positions are for the mouse.
    const direction = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10 }[event.key];
    if (!direction) return;
    event.preventDefault();
    send(scale.stepped(scale.value(Number(range.value) / 1000), direction));
  });
  range.addEventListener("dblclick", () => send(field.default));
  exact.addEventListener("input", () => exact.value !== "" && exact.checkValidity() && send(scale.round(Number(exact.value))));
  exact.addEventListener("blur", () => (exact.value = scale.value(Number(range.value) / 1000)));

  const head = h("div", { class: "field-head" }, h("label", { for: id, class: "grow" }, label), back, exact, strings.units[key] ? h("span", { class: "unit soft" }, strings.units[key]) : null);
  const element = frame("slider", label, field, range, head);
  element.set = (value) => show(value ?? field.default);
  element.set(field.default);
  return element;
}

function number(key, label, field, onchange) {
  const id = freshId("number");
  const whole = field.type.includes("integer");
  const input = h("input", { type: "number", class: "input numbers", id, min: field.min, max: field.max, step: whole ? "1" : "any", placeholder: field.default === null ? strings.size.asOriginal : null });
  input.addEventListener("input", () => {
    if (input.value === "") onchange(null);
    else if (input.checkValidity()) onchange(Number(input.value));
  });
  const dice = key === "seed" ? iconButton("dice", text.shuffle, () => onchange(Math.floor(Math.random() * 10_000))) : null;
  const unit = strings.units[key] ? h("span", { class: "soft" }, strings.units[key]) : null;
  const element = frame("number", label, field, h("div", { class: "row nowrap" }, input, dice), h("label", { for: id, class: "field-label" }, label, unit ? " " : null, unit));
  element.set = (value) => {
    if (document.activeElement !== input) input.value = value ?? field.default ?? "";
  };
  return element;
}

function colour(label, field, onchange) {
  const id = freshId("colour");
  const input = h("input", { type: "color", class: "well", id });
  input.addEventListener("input", () => onchange(parseHex(input.value)));
  const element = frame("colour", label, field, input, h("label", { for: id, class: "field-label" }, label));
  element.set = (value) => (input.value = value ?? field.default);
  return element;
}
