/** The tab of colours: levels, greys, the picture's own, or a palette with its editor. */

import { paletteKind } from "./catalogue.js";
import { freshId, h, iconButton, replace } from "./dom.js";
import { fieldFor, segments, slider, strip } from "./fields.js";
import { library } from "./library.js";
import { createPaletteEditor } from "./palette-editor.js";
import { colours as text, library as names } from "./strings.js";

const STRIP = 64; // colours shown of a palette
const ADAPTIVE = { type: "integer", min: 2, max: 256, default: 8 };

export function createColours(store, studio) {
	const element = h(".pane");
	// The last choice of each kind, restored when that kind is chosen again.
	const last = { adaptive: `adaptive:${ADAPTIVE.default}` };
	let update = () => {};

	store.on(["catalogue"], () => {
		last.colours = store.catalogue.palettes[0].name;
		update = build(store.catalogue);
		update();
	});
	store.on(["options"], () => update());

	function build(catalogue) {
		const setPalette = (palette, key) => studio.change({ palette }, key);
		const choice = segments(text.kind, Object.entries(text.kinds), "channels", (kind) => setPalette(last[kind] ?? kind));
		const hint = h("p.soft.small");
		const levels = slider("channels", text.levels, { ...catalogue.fields.channels, description: "" }, (channels) => studio.change({ channels }));
		const count = slider("adaptive", text.count, ADAPTIVE, (colours) => setPalette(`adaptive:${colours}`, "adaptive"));
		const list = paletteList(catalogue, (palette) => setPalette(palette));
		const editor = createPaletteEditor(store, (colours) => setPalette(colours, "editor"));
		const distance = fieldFor("distance", catalogue.fields.distance, (value) => studio.change({ distance: value }));
		replace(element, choice, hint, levels, count, list, editor.element, distance);

		return () => {
			const { options } = store;
			const palette = catalogue.value(options, "palette");
			const kind = paletteKind(palette);
			const colours = kind === "adaptive" ? Number(palette.split(":")[1]) : ADAPTIVE.default;
			if (kind in last) last[kind] = palette;
			choice.set(kind);
			hint.textContent = text.hints[kind](kind === "adaptive" ? colours : catalogue.value(options, "channels"));
			levels.hidden = !catalogue.reads(options, "channels");
			levels.set(options.channels);
			count.hidden = kind !== "adaptive";
			count.set(colours);
			list.hidden = editor.element.hidden = kind !== "colours";
			list.set(palette);
			if (kind === "colours") editor.set(catalogue.colours(options));
			distance.hidden = !catalogue.reads(options, "distance");
			distance.set(options.distance);
		};
	}

	return element;
}

/** The user's palettes and the named ones as strips; `element.set(palette)` marks the chosen one. */
function paletteList(catalogue, onchoose) {
	const name = freshId("palette");
	const element = h("fieldset.palette-rows");
	let radios = [];
	let chosen = "";

	function row({ title, source, colours, value }) {
		const radio = h("input", { type: "radio", name, value: String(value), onchange: () => onchoose(value) });
		radios.push(radio);
		return h("label.palette-row", { title: source }, radio, h("span", title), strip(colours.slice(0, STRIP)));
	}

	function build() {
		radios = [];
		const own = library.all("palettes").map(([title, colours]) => {
			const remove = iconButton("bin", names.forget(title), () => library.remove("palettes", title), "compact");
			return h(".row.nowrap.own", row({ title, source: text.own, colours, value: colours }), remove);
		});
		replace(element, h("legend.sr-only", text.palettes), own, catalogue.palettes.map((palette) => row({ ...palette, value: palette.name })));
		element.set(chosen);
	}

	element.set = (palette) => {
		chosen = palette;
		for (const radio of radios) radio.checked = radio.value === String(palette);
	};
	library.onchange((kind) => kind === "palettes" && build());
	build();
	return element;
}
