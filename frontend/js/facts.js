/** The line of numbers below the picture, about the file that would be saved, and its colours. */

import { h, replace } from "./dom.js";
import { toast } from "./messages.js";
import { facts as text, format } from "./strings.js";

const SHOWN = 32;
const EDITABLE = 256;

export function createFacts(store, studio) {
	const list = h("dl.facts-list.numbers");
	const palette = h(".used");
	const element = h("section.facts", { "aria-label": text.label, hidden: true }, list, palette);

	// Shown as soon as there is a picture, because the picture is fitted into the remaining room.
	store.on(["source"], () => (element.hidden = !store.source));
	store.on(["facts"], () => (store.facts ? show(store.facts) : element.classList.add("stale")));

	function show(facts) {
		const { source } = store;
		replace(
			list,
			fact(text.size, format.dimensions(facts)),
			facts.frames > 1 && fact(text.frames, format.whole(facts.frames)),
			fact(text.colours, format.whole(facts.colours)),
			fact(text.file, `${format.bytes(facts.bytes)} ${store.catalogue.format(facts).title}`, text.originalHas(source.file.size)),
		);
		const editable = facts.palette.length >= 2 && facts.palette.length <= EDITABLE;
		replace(palette, strip(facts), editable && h("button.button.compact", { onclick: () => edit(facts) }, text.edit));
		element.classList.remove("stale");
	}

	function edit(facts) {
		studio.change({ palette: facts.palette.map(({ hex }) => hex) });
	}
	return element;
}

/** `hint` is shown on a click: a tooltip would work only with a mouse. */
function fact(name, value, hint = null) {
	return h("div", h("dt.soft", hint ? h("button.term", { onclick: () => toast(hint) }, name) : name), h("dd", value));
}

function strip({ palette }) {
	if (palette.length === 0) return null;
	const cells = palette.slice(0, SHOWN).map(({ hex, share }) => {
		const title = text.share(hex, (share * 100).toFixed(1));
		return h("li", { title, style: { "background-color": hex, "flex-grow": String(Math.max(share, 0.015)) } }, h("span.sr-only", title));
	});
	return h("ul.used-colours", { "aria-label": palette.length > SHOWN ? text.manyColours(palette.length) : text.palette }, cells);
}
