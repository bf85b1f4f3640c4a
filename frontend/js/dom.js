/** Elements from data. Text is always set as text; nothing here or elsewhere parses markup. */

const PROPERTIES = new Set(["value", "checked", "disabled", "hidden"]);
const SVG = "http://www.w3.org/2000/svg";
const isThere = (value) => value !== null && value !== undefined && value !== false;

/**
 * h("button.button.primary", { onclick: save, "aria-label": "Save" }, child, "text", …)
 * Without a tag name it is a div. A function is a listener; an attribute or child that is null or
 * false is left out; `style` is an object of properties.
 */
export function h(selector, ...rest) {
	const attributes = rest[0]?.constructor === Object ? rest.shift() : {};
	const [tag, ...classes] = selector.split(".");
	const element = document.createElement(tag || "div");
	if (tag === "button") element.type = "button";
	element.classList.add(...classes.filter(Boolean));
	for (const [key, value] of Object.entries(attributes)) {
		if (!isThere(value)) continue;
		if (typeof value === "function") element.addEventListener(key.replace(/^on/, ""), value);
		else if (key === "style") setStyle(element, value);
		else if (PROPERTIES.has(key)) element[key] = value;
		else element.setAttribute(key, value === true ? "" : value);
	}
	return replace(element, rest);
}

export function replace(element, ...children) {
	element.replaceChildren(...children.flat(Infinity).filter(isThere));
	return element;
}

export function setStyle(element, properties) {
	for (const [name, value] of Object.entries(properties)) element.style.setProperty(name, value);
}

/** One of the icons in icons.svg. */
export function icon(name) {
	const svg = document.createElementNS(SVG, "svg");
	svg.setAttribute("class", "icon");
	svg.setAttribute("aria-hidden", "true");
	const use = document.createElementNS(SVG, "use");
	use.setAttribute("href", `icons.svg#${name}`);
	svg.append(use);
	return svg;
}

/** `more`: further classes, separated by dots. */
export const button = (label, onclick, more = "compact") => h(`button.button.${more}`, { onclick }, label);

export function iconButton(name, label, onclick, more = "") {
	return h(`button.button.plain.square.${more}`, { "aria-label": label, title: label, onclick }, icon(name));
}

/** Calls `act` with what `keys` has for a pressed key. */
export function onKeys(element, keys, act) {
	element.addEventListener("keydown", (event) => {
		if (event.ctrlKey || event.metaKey || event.altKey || !(event.key in keys)) return;
		event.preventDefault();
		act(keys[event.key]);
	});
}

let lastId = 0;
/** An id that nothing else on the page has. */
export const freshId = (prefix) => `${prefix}-${(lastId += 1)}`;
