/** Elements from data. Text is always set as text; nothing here or elsewhere parses markup. */

import { ICONS } from "./icons.js";

/**
 * h("button", { class: "button", onclick: save, "aria-label": "Save" }, child, "text", …)
 * A function value is a listener, false and null leave an attribute out, `style` takes custom
 * properties ({"--fill": "20%"}), and `value`, `checked`, `disabled`, `hidden` are properties.
 */
export function h(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(key.replace(/^on/, ""), value);
    else if (key === "style") setStyle(element, value);
    else if (PROPERTIES.has(key)) element[key] = value;
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== false && child !== undefined));
  return element;
}

const PROPERTIES = new Set(["value", "checked", "disabled", "hidden", "htmlFor", "indeterminate"]);
const SVG = "http://www.w3.org/2000/svg";

export function setStyle(element, properties) {
  for (const [name, value] of Object.entries(properties)) element.style.setProperty(name, value);
}

export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

export function iconButton(name, label, onclick, attributes = {}) {
  const { class: more = "", ...others } = attributes;
  return h("button", { type: "button", class: `button plain square ${more}`, "aria-label": label, title: label, onclick, ...others }, icon(name));
}

export function replace(element, ...children) {
  element.replaceChildren(...children.flat(Infinity).filter((child) => child !== null && child !== false && child !== undefined));
  return element;
}

let lastId = 0;
/** An id that nothing else on the page has. */
export function freshId(prefix) {
  lastId += 1;
  return `${prefix}-${lastId}`;
}
