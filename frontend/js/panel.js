/** The settings: tabs beside the picture, a sheet below it on a phone. */

import { createAdjust, createSize } from "./adjust.js";
import { createColours } from "./colours.js";
import { freshId, h, icon } from "./dom.js";
import { createLooks } from "./looks.js";
import { createMethod } from "./method.js";
import { createPanels } from "./panels.js";
import { panel as text } from "./strings.js";

export function createPanel(store, studio, swatches, foot) {
	const panes = {
		looks: createLooks(store, studio, swatches),
		method: createMethod(store, studio, swatches),
		colours: createColours(store, studio),
		adjust: createAdjust(store, studio),
		size: createSize(store, studio),
		panels: createPanels(store, studio),
	};
	const names = Object.keys(panes);
	const tabs = names.map((name) => {
		const id = freshId(name);
		const pane = panes[name];
		pane.id = `${id}-pane`;
		pane.role = "tabpanel";
		pane.tabIndex = 0;
		pane.setAttribute("aria-labelledby", id);
		const onclick = () => {
			choose(name);
			open(true);
		};
		return h("button.tab", { role: "tab", id, "aria-controls": pane.id, onclick }, icon(name), h("span", text.tabs[name]));
	});
	const list = h(".tabs", { role: "tablist", "aria-label": text.label }, tabs);
	const toggle = h("button.sheet-toggle", { onclick: () => open(element.classList.contains("closed")) }, h("span.handle"));
	const body = h(".panel-body", Object.values(panes));
	const element = h("section.panel", { "aria-label": text.label }, toggle, list, body, h(".panel-foot", foot));
	let current = 0;

	function choose(name) {
		current = names.indexOf(name);
		names.forEach((other, i) => {
			tabs[i].ariaSelected = String(i === current);
			tabs[i].tabIndex = i === current ? 0 : -1;
			panes[other].hidden = i !== current;
		});
		body.scrollTop = 0;
	}

	/** On a phone the sheet can be closed; on wider screens it is always open. */
	function open(yes) {
		element.classList.toggle("closed", !yes);
		toggle.ariaLabel = yes ? text.toggleClose : text.toggleOpen;
		toggle.ariaExpanded = String(yes);
	}

	list.addEventListener("keydown", (event) => {
		const to = { ArrowLeft: current - 1, ArrowRight: current + 1, Home: 0, End: names.length - 1 }[event.key];
		if (to === undefined) return;
		event.preventDefault();
		choose(names.at(to % names.length));
		tabs[current].focus();
	});

	choose("looks");
	open(true);
	return element;
}
