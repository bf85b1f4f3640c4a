/** The tab of panels: a list of displays; of a chosen one the part of the picture that it shows, and tones. */

import { cropAt, cropOf, turnsOf } from "./crop.js";
import { button, h, icon, onKeys, replace, setStyle } from "./dom.js";
import { bindFields, searchField, segments, slider, strip } from "./fields.js";
import { format, panels as text } from "./strings.js";
import { smallOptions } from "./swatches.js";

const ZOOM = { type: "number", min: 1, max: 8, default: 1 };
const STEP = 0.02;
const TONES = ["tone", "gamut", "exclude"];

export function createPanels(store, studio) {
	let entries = [];
	let isChoosing = false;
	const list = h(".families");
	const all = h(".fields", h("p.soft.small", text.lead), searchField(text.search, text.none, list, () => entries), list);
	const title = h("h2");
	const about = h("p.soft.small");
	const inks = h("div");
	const another = button(text.another, () => pick(true));
	const remove = button(text.remove, () => choose(null));
	const colours = segments(text.colours, Object.entries(text.inks), "measured", (which) => studio.change({ inks: which }));
	const image = h("img", { alt: "" });
	const frame = h(".crop-frame", { tabindex: "0", role: "group", "aria-label": text.frame });
	const whole = h(".crop", image, frame);
	const zoom = slider("zoom", text.zoom, ZOOM, (value) => place(value, 0, 0));
	const turn = h("button.button", { onclick: () => studio.change({ rotate: String(((turnsOf(store.options, store.source) + 1) % 4) * 90), crop: null }) }, icon("redo"), text.turn);
	const tones = h(".fields");
	const chosen = h(".fields", h("div", title, about), inks, h(".row", another, remove), colours, whole, zoom, turn, tones);
	bindFields(store, studio, () => [[tones, TONES]]);

	/** Keeps how the picture is drawn; size, palette and file are the panel's. */
	function choose(panel) {
		const drawn = smallOptions(store.options);
		studio.use(panel ? { ...drawn, ...panel.options, panel: panel.name } : { ...drawn, palette: null, alpha: null });
		pick(false);
	}

	/** Shows the list, or what can be set for the chosen display. */
	function pick(yes) {
		isChoosing = yes;
		show();
		const search = all.querySelector("input");
		search.value = "";
		search.dispatchEvent(new Event("input"));
		(all.hidden ? another : search).focus();
	}

	const family = ([label, panels]) => h("fieldset.family", h("legend.small.soft", label), panels.map(row));

	function row(panel) {
		const element = h("button.palette-row.entry", { onclick: () => choose(panel) }, h("span", panel.title), strip(panel.inks.map(({ measured }) => measured)));
		entries.push({ element, words: `${panel.title} ${panel.name} ${panel.width}x${panel.height}`.toLowerCase() });
		return element;
	}

	const zoomOf = (crop) => cropOf({ ...store.options, crop: null }, store.source).w / crop.w;

	/** Moves the crop by shares of the picture. */
	function place(times, right, down) {
		const { x, y, w, h: high } = cropOf(store.options, store.source);
		studio.change({ crop: cropAt(store.options, store.source, times, { x: x + w / 2 + right, y: y + high / 2 + down }) });
	}
	const move = (right, down) => place(zoomOf(cropOf(store.options, store.source)), right, down);

	whole.addEventListener("pointerdown", (event) => whole.setPointerCapture(event.pointerId));
	whole.addEventListener("pointermove", (event) => whole.hasPointerCapture(event.pointerId) && move(event.movementX / whole.clientWidth, event.movementY / whole.clientHeight));
	onKeys(frame, { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] }, (by) => move(...by));

	store.on(["catalogue"], () => {
		entries = [];
		replace(list, [...Map.groupBy(store.catalogue.panels, (panel) => panel.title.split(" ")[0])].map(family));
	});
	store.on(["source"], () => store.source && (image.src = store.source.url));
	store.on(["catalogue", "options", "source", "sized"], show);

	function show() {
		const { catalogue, options, source } = store;
		const panel = catalogue?.panelOf(options);
		chosen.hidden = isChoosing || !panel || !source?.width;
		all.hidden = !chosen.hidden;
		if (chosen.hidden) return;
		title.textContent = panel.title;
		about.textContent = text.about(format.dimensions(panel), panel.inks.length);
		const which = catalogue.value(options, "inks");
		replace(inks, strip(panel.inks.map((ink) => ink[which])));
		colours.set(which);
		whole.hidden = !source.bitmap;
		const crop = cropOf(options, source);
		setStyle(frame, Object.fromEntries(Object.entries({ left: crop.x, top: crop.y, width: crop.w, height: crop.h }).map(([side, share]) => [side, `${share * 100}%`])));
		zoom.set(Number(zoomOf(crop).toFixed(2)));
	}
	return h(".pane", all, chosen);
}
