/** The tab of panels: the display that the file is for, and the part of the picture that it shows. */

import { cropAt, cropOf, turnsOf } from "./crop.js";
import { h, icon, replace, setStyle } from "./dom.js";
import { segments, slider } from "./fields.js";
import { format, panels as text } from "./strings.js";
import { smallOptions } from "./swatches.js";

const ZOOM = { type: "number", min: 1, max: 8, default: 1 };
const STEP = 0.02;

export function createPanels(store, studio) {
	const list = h("select.input", { "aria-label": text.choose, onchange: () => choose(list.value) });
	const about = h("p.soft.small");
	const inks = h(".strip");
	const colours = segments(text.colours, Object.entries(text.inks).map(([value, title]) => ({ value, title })), "measured", (which) => studio.change({ inks: which }));
	const image = h("img", { alt: "" });
	const frame = h(".crop-frame", { tabindex: "0", role: "group", "aria-label": text.frame });
	const whole = h(".crop", image, frame);
	const zoom = slider("zoom", text.zoom, ZOOM, (value) => place(value, 0, 0));
	const turn = h("button.button", { onclick: () => studio.change({ rotate: String(((turnsOf(store.options, store.source) + 1) % 4) * 90), crop: null }) }, icon("redo"), text.turn);
	const chosen = h(".fields", about, inks, colours, whole, zoom, turn);

	/** Keeps how the picture is drawn; size, palette and file are the panel's. */
	function choose(name) {
		const panel = store.catalogue.panels.find((entry) => entry.name === name);
		const drawn = smallOptions(store.options);
		studio.use(panel ? { ...drawn, ...panel.options, panel: name } : { ...drawn, palette: null, alpha: null });
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
	frame.addEventListener("keydown", (event) => {
		const by = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] }[event.key];
		if (!by) return;
		event.preventDefault();
		move(...by);
	});

	store.on(["catalogue"], () => {
		const makers = Map.groupBy(store.catalogue.panels, ({ title }) => title.split(" ")[0]);
		replace(list, h("option", { value: "" }, text.none), [...makers].map(([label, panels]) => h("optgroup", { label }, panels.map(({ name, title }) => h("option", { value: name }, title)))));
	});
	store.on(["source"], () => store.source && (image.src = store.source.url));
	store.on(["catalogue", "options", "source", "sized"], () => {
		const { catalogue, options, source } = store;
		const panel = catalogue?.panelOf(options);
		list.value = panel?.name ?? "";
		chosen.hidden = !panel || !source?.width;
		if (chosen.hidden) return;
		about.textContent = text.about(format.dimensions(panel), panel.inks.length);
		const which = catalogue.value(options, "inks");
		replace(inks, panel.inks.map((ink) => h("span", { title: ink.name, style: { "background-color": ink[which] } })));
		colours.set(which);
		whole.hidden = !source.bitmap;
		const crop = cropOf(options, source);
		setStyle(frame, Object.fromEntries(Object.entries({ left: crop.x, top: crop.y, width: crop.w, height: crop.h }).map(([side, share]) => [side, `${share * 100}%`])));
		zoom.set(Number(zoomOf(crop).toFixed(2)));
	});
	return h(".pane", list, chosen);
}
