/** The tab of algorithms: all of them as tiles, the chosen one with its settings. */

import { freshId, h, replace } from "./dom.js";
import { bindFields, searchField } from "./fields.js";
import { method as text } from "./strings.js";
import { smallOptions } from "./swatches.js";

const REFRESH_MS = 400;
/** The first custom kernel: half of the error to the right, half down. */
const FIRST_KERNEL = [
	[0, 0, 1],
	[0, 1, 0],
];

export function createMethod(store, studio, swatches) {
	const title = h("h2");
	const description = h("p.small");
	const source = h("p.small.soft");
	const controls = h(".fields");
	const about = h(".chosen", title, description, controls, source);
	const list = h(".families");
	const name = freshId("method");
	let tiles = [];
	let timer = 0;

	// The distance is set in the tab of colours.
	bindFields(store, studio, (catalogue) => [[controls, catalogue.controlled.filter((key) => key !== "distance")]]);
	store.on(["catalogue"], () => {
		tiles = [];
		replace(list, [...Map.groupBy(store.catalogue.algorithms, (entry) => entry.family_title)].map(family));
		update();
	});
	store.on(["options", "source"], update);

	const family = ([title, entries]) => h("fieldset.family", h("legend.small.soft", title), h(".tiles", entries.map(tile)));

	function tile(entry) {
		const custom = entry.controls.includes("kernel");
		const input = h("input", { type: "radio", name, value: entry.name, onchange: () => studio.change({ algorithm: entry.name, ...(custom && !store.options.kernel ? { kernel: FIRST_KERNEL } : {}) }) });
		const picture = swatches.swatch(() => (custom ? null : smallOptions({ ...store.options, algorithm: entry.name })));
		const element = h("label.tile.entry", input, picture, h("span", entry.title));
		tiles.push({ input, picture, element, words: entry.search });
		return element;
	}

	function update() {
		const { catalogue, options } = store;
		if (!catalogue) return;
		const chosen = catalogue.value(options, "algorithm");
		const entry = catalogue.algorithm(chosen);
		title.textContent = entry?.title ?? chosen;
		description.textContent = entry?.description ?? "";
		source.textContent = entry?.source.length > 1 ? entry.source : "";
		for (const { input, element } of tiles) {
			input.checked = input.value === chosen;
			// Show the settings beside the chosen tile.
			if (input.checked && element.nextSibling !== about) element.after(about);
		}
		clearTimeout(timer);
		timer = setTimeout(() => swatches.refresh(tiles.map(({ picture }) => picture)), REFRESH_MS);
	}

	return h(".pane", searchField(text.search, text.none, list, () => tiles), list);
}
