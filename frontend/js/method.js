/** The tab of algorithms: the chosen one with its settings, and all of them as tiles. */

import { freshId, h, replace } from "./dom.js";
import { bindFields } from "./fields.js";
import { createSearch } from "./search.js";
import { method as text, titleOf } from "./strings.js";
import { smallOptions } from "./swatches.js";

const REFRESH_MS = 400;
/** Something to begin with when one makes a kernel of one's own: half right, half down. */
const FIRST_KERNEL = [
	[0, 0, 1],
	[0, 1, 0],
];

export function createMethod(store, studio, swatches) {
	const title = h("h2");
	const description = h("p.small");
	const source = h("p.small.soft");
	const controls = h(".fields");
	const list = h(".families");
	const search = createSearch(text);
	const name = freshId("method");
	let tiles = [];
	let timer = 0;

	bindFields(store, studio, (catalogue) => [[controls, catalogue.controlled]]);
	store.on(["catalogue"], () => {
		tiles = [];
		replace(list, store.catalogue.families().map(family));
		search.items = tiles;
		update();
	});
	store.on(["options", "source"], update);

	function family([key, entries]) {
		const label = titleOf(key, text.families);
		return h("fieldset.family", h("legend.small.soft", label), h(".tiles", entries.map((entry) => tile(entry, `${key} ${label}`))));
	}

	function tile(entry, words) {
		const called = entry.title || text.custom;
		const custom = entry.controls.includes("kernel");
		const input = h("input", { type: "radio", name, value: entry.name, onchange: () => studio.change({ algorithm: entry.name, ...(custom && !store.options.kernel ? { kernel: FIRST_KERNEL } : {}) }) });
		const picture = swatches.swatch(() => (custom ? null : smallOptions({ ...store.options, algorithm: entry.name })));
		const element = h("label.tile", { title: entry.description }, input, picture, h("span.tile-name", called));
		tiles.push({ input, picture, element, words: `${entry.name} ${called} ${words}` });
		return element;
	}

	function update() {
		const { catalogue, options } = store;
		if (!catalogue) return;
		const chosen = catalogue.value(options, "algorithm");
		const entry = catalogue.algorithm(chosen);
		title.textContent = entry?.title || (entry ? text.custom : chosen);
		description.textContent = entry?.description ?? "";
		source.textContent = entry?.source.length > 1 ? entry.source : "";
		for (const { input } of tiles) input.checked = input.value === chosen;
		clearTimeout(timer);
		timer = setTimeout(() => swatches.refresh(tiles.map(({ picture }) => picture)), REFRESH_MS);
	}

	return h(".pane", h(".chosen", title, description, controls, source), search.elements, list);
}
