/** A field that narrows a list down to what has all the words typed. */

import { h } from "./dom.js";

/** → {elements, items}. `items`: [{element, words}]; a fieldset without any of them goes too. */
export function createSearch(text) {
	const input = h("input.input", { type: "search", placeholder: text.search, "aria-label": text.search, autocomplete: "off", spellcheck: "false", oninput: filter });
	const none = h("p.soft.small", { hidden: true }, text.none);
	const search = { elements: [input, none], items: [] };

	function filter() {
		const wanted = input.value.trim().toLowerCase().split(/\s+/);
		for (const { element, words } of search.items) element.hidden = !wanted.every((word) => words.toLowerCase().includes(word));
		for (const group of new Set(search.items.map(({ element }) => element.closest("fieldset")))) {
			group.hidden = !search.items.some(({ element }) => !element.hidden && group.contains(element));
		}
		none.hidden = search.items.some(({ element }) => !element.hidden);
	}
	return search;
}
