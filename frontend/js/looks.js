/** The tab of presets: a swatch and a name each. */

import { createPattern } from "./adjust.js";
import { h, iconButton, replace } from "./dom.js";
import { library } from "./library.js";
import { keepButton } from "./naming.js";
import { presetsOf } from "./presets.js";
import { library as text } from "./strings.js";
import { smallOptions } from "./swatches.js";

export function createLooks(store, studio, swatches) {
	const grid = h(".tiles");
	let tiles = [];
	const keep = keepButton("looks", text.keepLook, () => store.options);

	function tile(title, options) {
		const picture = swatches.swatch(() => smallOptions(options));
		const button = h("button.tile", { onclick: () => studio.use(options) }, picture, h("span", title));
		tiles.push({ button, picture, options: JSON.stringify(options) });
		return button;
	}

	function build() {
		if (!store.catalogue) return;
		tiles = [];
		const own = library.all("looks").map(([title, options]) => h(".own", tile(title, store.catalogue.sparse(options)), iconButton("bin", text.forget(title), () => library.remove("looks", title), "compact")));
		replace(grid, own, presetsOf(store.catalogue).map(({ title, options }) => tile(title, options)));
		mark();
	}

	store.on(["catalogue"], build);
	library.onchange((kind) => kind === "looks" && build());

	function mark() {
		const chosen = JSON.stringify(store.options);
		for (const { button, options } of tiles) button.setAttribute("aria-pressed", String(options === chosen));
	}

	store.on(["options"], mark);
	store.on(["source"], () => swatches.refresh(tiles.map(({ picture }) => picture)));
	return h(".pane", createPattern(store, studio), grid, h(".row", keep.button), keep.form);
}
