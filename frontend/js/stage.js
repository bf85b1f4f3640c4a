/** The stage shows original and result, with zoom, pan and crisp pixels. */

import { createCompare } from "./compare.js";
import { h, iconButton, onKeys, replace, setStyle } from "./dom.js";
import { followGestures } from "./gestures.js";
import { createLoupe } from "./loupe.js";
import { savedSize, sizeProblem } from "./output.js";
import { stage as text } from "./strings.js";
import { covers, fitZoom, nextZoom, place, visiblePart } from "./zoom.js";

const MARGIN = { wide: 24, narrow: 10 }; // CSS pixels around a fitted picture
const MIDDLE = { x: 0, y: 0 };
const FITTED = { zoom: null, x: 0, y: 0 };
const STEP = 60;
const LARGEST_ZOOM = 32;
const AROUND = 0.5; // viewports on each side to request after the visible part has arrived
const SLOW_MS = 250;

export function createStage(store) {
	const original = h(".picture");
	const dithered = h(".picture");
	const views = { before: h(".view.before", { "aria-hidden": "true" }, original), after: h(".view.after", { "aria-hidden": "true" }, dithered) };
	const viewport = h(".viewport", { tabindex: "0", role: "group", "aria-label": text.label }, views.before, views.after);
	const compare = createCompare(viewport, () => (draw(), see()));
	const zoomed = h("output.zoom-value.numbers");
	const zooms = h(".zoom", iconButton("minus", text.zoomOut, () => step(-1)), zoomed, iconButton("plus", text.zoomIn, () => step(1)), iconButton("fit", text.fit, () => look(FITTED)));
	const busy = h(".busy", { hidden: true });
	const sending = h(".sending.small", { role: "status", hidden: true });
	const element = h(".stage", viewport, compare.divider, busy, sending, h(".stage-tools", { role: "group", "aria-label": text.tools }, compare.modes, zooms));

	// zoom: device pixels per pixel of the saved picture, null for fit. x, y: its middle off the view's, CSS pixels.
	let view = FITTED;
	let whole = { width: 0, height: 0 };

	const ratio = () => window.devicePixelRatio || 1;
	/** The size of one view: of the only one, or of one of two side by side. */
	const box = () => (compare.mode === "side" ? { width: whole.width / 2, height: whole.height } : whole);
	const room = () => {
		const { width, height } = box();
		const margin = 2 * (width < 600 ? MARGIN.narrow : MARGIN.wide);
		return { width: Math.max(1, width - margin), height: Math.max(1, height - margin) };
	};
	/** The size in pixels of the picture that would be saved; null while unknown or too large. */
	const size = () => (store.source?.width && !sizeProblem(store) ? savedSize(store.options, store.source) : null);
	const fitted = () => fitZoom(size(), room(), ratio());
	const zoomNow = () => view.zoom ?? fitted();
	const placed = (zoom = zoomNow()) => place(size(), zoom, ratio(), view, box());

	function draw() {
		const natural = size();
		viewport.classList.toggle("empty", natural === null);
		const panel = Boolean(store.catalogue?.panelOf(store.options));
		viewport.classList.toggle("framed", panel);
		compare.comparable(!panel && Boolean(store.source?.bitmap)); // the original may be cropped and turned
		if (natural === null || whole.width === 0) return;
		const zoom = zoomNow();
		const at = placed(zoom);
		view = { ...view, x: at.x, y: at.y };
		const style = { left: `${at.left}px`, top: `${at.top}px`, width: `${at.width}px`, height: `${at.height}px` };
		for (const picture of [original, dithered]) setStyle(picture, style);
		for (const layer of dithered.children) lay(layer, at);
		const { width, height } = box();
		viewport.classList.toggle("crisp", zoom >= 1);
		viewport.classList.toggle("movable", at.width > width || at.height > height);
		zoomed.textContent = text.zoom(zoom);
		compare.draw(at, whole);
	}

	/** Positions a part on the picture; a part below another that covers the whole view is hidden. */
	function lay(layer, at) {
		const { part, width, height } = layer.shown;
		const across = at.width / width;
		const down = at.height / height;
		setStyle(layer, { left: `${part.x * across}px`, top: `${part.y * down}px`, width: `${part.width * across}px`, height: `${part.height * down}px` });
		const top = dithered.lastChild;
		const seen = visiblePart(size(), at, box(), ratio());
		layer.hidden = layer !== top && (seen === null || covers(top.shown.part, seen));
	}

	/** What must still be requested: {part, whole} or null; see preview.js. */
	function missing() {
		const natural = size();
		if (natural === null || whole.width === 0) return null;
		const { result, overview, source, options } = store;
		const isFresh = (shown) => shown?.source === source && shown.options === options;
		const seen = visiblePart(natural, placed(), box(), ratio());
		if (seen === null) return null;
		const isWhole = seen.width === natural.width && seen.height === natural.height;
		if (!isFresh(result) || !covers(result.part, seen)) return { part: seen, whole: isWhole };
		if (isWhole) return null;
		const around = visiblePart(natural, placed(), box(), ratio(), { margin: AROUND });
		const isAsSharp = covers({ ...seen, shown_width: (around.shown_width * seen.width) / around.width }, seen);
		if (isAsSharp && !covers(result.part, around)) return { part: around, whole: false };
		if (isFresh(overview)) return null;
		const small = place(natural, fitted(), ratio(), MIDDLE, box());
		return { part: visiblePart(natural, small, box(), ratio()), whole: "beneath" };
	}

	function look(changes) {
		view = { ...view, ...changes };
		draw();
		see();
	}

	/** Notifies listeners that another part may be visible. */
	const see = () => store.set({ sight: {} });

	function step(direction, point = MIDDLE) {
		if (size()) zoomTo(nextZoom(zoomNow(), direction, fitted()), point);
	}

	/** Zooms; `point`, relative to the viewport's middle, stays in place. */
	function zoomTo(zoom, point) {
		const factor = zoom / zoomNow();
		const { x, y } = compare.mode === "side" ? { x: point.x - (Math.sign(point.x) * whole.width) / 4, y: point.y } : point;
		const at = { x: x + (view.x - x) * factor, y: y + (view.y - y) * factor };
		look(zoom <= fitted() ? FITTED : { zoom, ...at });
	}

	const move = (x, y) => look({ x: view.x + x, y: view.y + y });

	followGestures(viewport, {
		move,
		pinch: (factor, point) => size() && zoomTo(Math.min(zoomNow() * factor, LARGEST_ZOOM), point),
		wheel: step,
		double: (point) => (view.zoom === null ? zoomTo(Math.max(1, nextZoom(fitted(), 1, fitted())), point) : look(FITTED)),
		released: () => view.zoom > 1 && zoomTo(Math.round(view.zoom), MIDDLE),
	});

	const zoomKeys = {
		"+": () => step(1),
		"=": () => step(1),
		"-": () => step(-1),
		0: () => look(FITTED),
		1: () => size() && zoomTo(1, MIDDLE),
	};
	onKeys(viewport, { ...zoomKeys, ArrowLeft: () => move(STEP, 0), ArrowRight: () => move(-STEP, 0), ArrowUp: () => move(0, STEP), ArrowDown: () => move(0, -STEP) }, (run) => run());

	new ResizeObserver(() => {
		whole = { width: viewport.clientWidth, height: viewport.clientHeight };
		look({});
	}).observe(viewport);

	store.on(["source"], () => {
		const { source } = store;
		replace(dithered);
		replace(original, source?.bitmap && h("img.layer", { src: source.url, alt: "" }));
		look(FITTED);
	});
	store.on(["options", "sized"], () => look({}));
	store.on(["result", "overview"], () => {
		const { result, overview } = store;
		const shown = [...new Set([overview?.options === result?.options ? overview : null, result])];
		replace(dithered, shown.map((entry) => entry && layerOf(entry)));
		draw();
	});
	store.on(["result"], () => store.result && (element.dataset.previews = String(Number(element.dataset.previews ?? 0) + 1)));
	store.on(["sent"], () => {
		sending.hidden = !store.sent;
		sending.textContent = store.sent ? text.sending(Math.round(store.sent.share * 100)) : "";
	});
	let waiting = 0;
	store.on(["busy"], () => {
		clearTimeout(waiting);
		busy.hidden = true;
		// Short work shows no indicator, which would only flicker.
		if (store.busy) waiting = setTimeout(() => (busy.hidden = false), SLOW_MS);
	});

	/** The pixel of the saved picture below a pointer, or null. */
	function pixelAt({ clientX, clientY }) {
		if (!size()) return null;
		const at = placed();
		const frame = views.after.getBoundingClientRect();
		const x = Math.floor(((clientX - frame.left - at.left) * size().width) / at.width);
		const y = Math.floor(((clientY - frame.top - at.top) * size().height) / at.height);
		return x >= 0 && y >= 0 && x < size().width && y < size().height ? { x, y } : null;
	}

	return { element, missing, zoomKeys, toggleLoupe: createLoupe(store, viewport, pixelAt), nextMode: compare.next };
}

function layerOf(shown) {
	const { image } = shown;
	image.className = "layer part";
	image.alt = "";
	image.shown = shown;
	return image;
}
