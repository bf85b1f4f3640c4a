/** The line of numbers below the picture, about the file that would be saved, and its colours. */

import { button, h, replace } from "./dom.js";
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
		replace(
			list,
			fact(text.size, format.dimensions(facts)),
			facts.frames > 1 && fact(text.frames, format.whole(facts.frames)),
			fact(text.colours, format.whole(facts.colours)),
			fact(text.file, `${format.bytes(facts.bytes)} ${store.catalogue.format(facts).title}`),
		);
		const editable = facts.palette.length >= 2 && facts.palette.length <= EDITABLE;
		replace(palette, strip(facts), editable && button(text.edit, () => edit(facts)));
		element.classList.remove("stale");
	}

	function edit(facts) {
		studio.change({ palette: facts.palette.map(({ hex }) => hex) });
	}
	return element;
}

const fact = (name, value) => h("div", h("dt.soft", name), h("dd", value));

function strip({ palette }) {
	if (palette.length === 0) return null;
	const cells = palette.slice(0, SHOWN).map(({ hex, share }) => {
		const title = text.share(hex, (share * 100).toFixed(1));
		return h("li", { title, style: { "background-color": hex, "flex-grow": String(Math.max(share, 0.015)) } }, h("span.sr-only", title));
	});
	return h("ul.used-colours", { "aria-label": palette.length > SHOWN ? text.manyColours(palette.length) : text.palette }, cells);
}
