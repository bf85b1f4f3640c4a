/** Where the picture is: two layers and a divider, zoom and pan with crisp pixels. */

import { createCompare } from "./compare.js";
import { h, iconButton, setStyle } from "./dom.js";
import { followGestures } from "./gestures.js";
import { stage as text } from "./strings.js";
import { fitZoom, nextZoom, place } from "./zoom.js";

const MARGIN = { wide: 24, narrow: 10 }; // CSS pixels around a fitted picture
const MIDDLE = { x: 0, y: 0 };
const FITTED = { zoom: null, x: 0, y: 0 };
const STEP = 60;
const LARGEST_ZOOM = 32;
const RESIZE_MS = 300;
const SLOW_MS = 250;
const PREVIEW = { smallest: 320, largest: 1280 }; // longer side in pixels

export function createStage(store) {
	const before = h("canvas.layer", { "aria-hidden": "true" });
	const after = h("canvas.layer.dithered", { "aria-hidden": "true" });
	const picture = h(".picture", { hidden: true }, before, after);
	const viewport = h(".viewport", { tabindex: "0", role: "group", "aria-label": text.label }, picture);
	const compare = createCompare(viewport, () => draw());
	const zoomed = h("output.zoom-value.numbers");
	const zooms = h(".zoom", iconButton("minus", text.zoomOut, () => step(-1)), zoomed, iconButton("plus", text.zoomIn, () => step(1)), iconButton("fit", text.fit, () => look(FITTED)));
	const busy = h(".busy", { hidden: true });
	const element = h(".stage", viewport, compare.divider, busy, h(".stage-tools", { role: "group", "aria-label": text.tools }, compare.modes, zooms));

	// zoom: device pixels per picture pixel, null for fit. x, y: its middle off the viewport's, CSS pixels.
	let view = FITTED;
	let box = { width: 0, height: 0 };

	const ratio = () => window.devicePixelRatio || 1;
	const room = () => {
		const margin = 2 * (box.width < 600 ? MARGIN.narrow : MARGIN.wide);
		return { width: Math.max(1, box.width - margin), height: Math.max(1, box.height - margin) };
	};
	/** What is shown, in its own pixels; null for nothing. */
	const size = () => store.result ?? (store.source?.bitmap ? store.source.scaled(maxSize()) : null);
	const fitted = () => fitZoom(size(), room(), ratio());

	/** The longer side, in pixels, of a preview that fits one pixel to one. */
	function maxSize() {
		const { width, height } = room();
		const shape = store.source?.bitmap ? store.source.width / store.source.height : 1;
		const side = Math.min(width / Math.min(1, shape), height * Math.max(1, shape)) * ratio();
		return Math.round(Math.min(Math.max(side, PREVIEW.smallest), PREVIEW.largest));
	}

	function draw() {
		const natural = size();
		picture.hidden = natural === null;
		if (natural === null || box.width === 0) return;
		const zoom = view.zoom ?? fitted();
		const at = place(natural, zoom / ratio(), view, box);
		view = { ...view, x: at.x, y: at.y };
		setStyle(picture, { left: `${at.left}px`, top: `${at.top}px`, width: `${at.width}px`, height: `${at.height}px` });
		picture.classList.toggle("crisp", zoom >= 1);
		viewport.classList.toggle("movable", at.width > box.width || at.height > box.height);
		zoomed.textContent = text.zoom(zoom);
		compare.draw(at, box);
	}

	function look(changes) {
		view = { ...view, ...changes };
		draw();
	}

	function step(direction, point = MIDDLE) {
		if (size()) zoomTo(nextZoom(view.zoom ?? fitted(), direction, fitted()), point);
	}

	/** `point`, relative to the viewport's middle, stays where it is. */
	function zoomTo(zoom, point) {
		const factor = zoom / (view.zoom ?? fitted());
		const at = { x: point.x + (view.x - point.x) * factor, y: point.y + (view.y - point.y) * factor };
		look(zoom <= fitted() ? FITTED : { zoom, ...at });
	}

	const move = (x, y) => look({ x: view.x + x, y: view.y + y });

	followGestures(viewport, {
		move,
		pinch: (factor, point) => size() && zoomTo(Math.min((view.zoom ?? fitted()) * factor, LARGEST_ZOOM), point),
		wheel: step,
		double: (point) => (view.zoom === null ? (step(1, point), step(1, point)) : look(FITTED)),
		released: () => view.zoom > 1 && zoomTo(Math.round(view.zoom), MIDDLE),
	});

	const keys = {
		"+": () => step(1),
		"=": () => step(1),
		"-": () => step(-1),
		0: () => look(FITTED),
		ArrowLeft: () => move(STEP, 0),
		ArrowRight: () => move(-STEP, 0),
		ArrowUp: () => move(0, STEP),
		ArrowDown: () => move(0, -STEP),
	};
	viewport.addEventListener("keydown", (event) => {
		if (event.ctrlKey || event.metaKey || event.altKey || !keys[event.key]) return;
		event.preventDefault();
		keys[event.key]();
	});

	let resized = 0;
	new ResizeObserver(() => {
		box = { width: viewport.clientWidth, height: viewport.clientHeight };
		draw();
		clearTimeout(resized);
		// A preview for another room is made anew, so that its pixels stay whole.
		resized = setTimeout(() => box.width > 0 && store.set({ room: maxSize() }), RESIZE_MS);
	}).observe(viewport);

	store.on(["source"], () => {
		const { source } = store;
		const bitmap = source?.bitmap ?? null;
		for (const layer of [before, after]) paint(layer, bitmap, bitmap ?? { width: 1, height: 1 });
		compare.comparable(bitmap !== null);
		look(FITTED);
	});
	store.on(["result"], () => {
		if (store.result) {
			paint(after, store.result.bitmap, store.result);
			element.dataset.previews = String(Number(element.dataset.previews ?? 0) + 1);
		}
		draw();
	});
	let waiting = 0;
	store.on(["busy"], () => {
		clearTimeout(waiting);
		busy.hidden = true;
		// Short work shows nothing: a flicker helps nobody.
		if (store.busy) waiting = setTimeout(() => (busy.hidden = false), SLOW_MS);
	});

	return { element, maxSize };
}

function paint(canvas, bitmap, { width, height }) {
	Object.assign(canvas, { width, height });
	if (bitmap) canvas.getContext("2d").drawImage(bitmap, 0, 0);
}
