/** The tab of presets: a swatch and a name each. */

import { createPattern } from "./adjust.js";
import { h } from "./dom.js";
import { presetsOf } from "./presets.js";
import { presets } from "./strings.js";
import { smallOptions } from "./swatches.js";

export function createLooks(store, studio, swatches) {
	const grid = h(".tiles");
	let tiles = [];

	store.on(["catalogue"], () => {
		tiles = presetsOf(store.catalogue).map(({ id, options }) => {
			const picture = swatches.swatch(() => smallOptions(options));
			const button = h("button.tile", { onclick: () => studio.use(options) }, picture, h("span", presets[id]));
			return { button, picture, options: JSON.stringify(options) };
		});
		grid.replaceChildren(...tiles.map(({ button }) => button));
		mark();
	});

	function mark() {
		const chosen = JSON.stringify(store.options);
		for (const { button, options } of tiles) button.setAttribute("aria-pressed", String(options === chosen));
	}

	store.on(["options"], mark);
	store.on(["source"], () => swatches.refresh(tiles.map(({ picture }) => picture)));
	return h(".pane", createPattern(store, studio), grid);
}
