/** Where the picture is: two layers, a divider between them, zoom and pan with crisp pixels. */

import { createCompare } from "./compare.js";
import { h, iconButton, setStyle } from "./dom.js";
import { followGestures } from "./gestures.js";
import { strings } from "./strings.js";
import { fitZoom, nextZoom, place } from "./zoom.js";

const text = strings.stage;
const MARGIN = { wide: 24, narrow: 10 }; // CSS pixels around a fitted picture
const RESIZE_MS = 300;
const LARGEST_PREVIEW = 1280;
const SMALLEST_PREVIEW = 320;
const LARGE_PREVIEW = 2048;

export function createStage(store) {
  const before = h("canvas", { class: "layer", "aria-hidden": "true" });
  const after = h("canvas", { class: "layer dithered", "aria-hidden": "true" });
  const picture = h("div", { class: "picture", hidden: true }, before, after);
  const viewport = h("div", { class: "viewport", tabindex: "0", role: "group", "aria-label": text.label }, picture);
  const compare = createCompare(viewport, () => draw());
  const zoomed = h("output", { class: "zoom-value numbers" });
  const tools = h(
    "div",
    { class: "stage-tools", role: "group", "aria-label": text.tools },
    compare.modes,
    h("div", { class: "zoom" }, iconButton("minus", text.zoomOut, () => step(-1)), zoomed, iconButton("plus", text.zoomIn, () => step(1)), iconButton("fit", text.fit, () => fit())),
  );
  const busy = h("div", { class: "busy", hidden: true });
  const element = h("div", { class: "stage" }, viewport, compare.divider, busy, tools);

  // zoom: device pixels per picture pixel, null for fit. x, y: the picture's middle off the viewport's, CSS pixels.
  let view = { zoom: null, x: 0, y: 0 };
  let box = { width: 0, height: 0 };

  const ratio = () => window.devicePixelRatio || 1;
  const room = () => {
    const margin = box.width < 600 ? MARGIN.narrow : MARGIN.wide;
    return { width: Math.max(1, box.width - 2 * margin), height: Math.max(1, box.height - 2 * margin) };
  };
  const size = () => store.get("result") ?? sourceSize();

  function sourceSize() {
    const source = store.get("source");
    return source?.bitmap ? source.scaled(maxSize()) : null;
  }

  /** The longer side, in pixels, of a preview that fits one pixel to one. */
  function maxSize() {
    if (store.get("exact")) return store.get("catalogue").limits?.max_preview_size ?? LARGE_PREVIEW;
    const source = store.get("source");
    const { width, height } = room();
    const shape = source?.bitmap ? source.width / source.height : 1;
    const side = Math.min(width / Math.min(1, shape), height * Math.max(1, shape)) * ratio();
    return Math.round(Math.min(Math.max(side, SMALLEST_PREVIEW), LARGEST_PREVIEW));
  }

  function draw() {
    const natural = size();
    picture.hidden = natural === null;
    if (natural === null || box.width === 0) return;
    const fitted = fitZoom(natural, room(), ratio());
    const zoom = view.zoom ?? fitted;
    const at = place(natural, zoom / ratio(), view, box);
    view.x = at.x;
    view.y = at.y;
    setStyle(picture, { left: `${at.left}px`, top: `${at.top}px`, width: `${at.width}px`, height: `${at.height}px` });
    picture.classList.toggle("crisp", zoom >= 1);
    viewport.classList.toggle("movable", at.width > box.width || at.height > box.height);
    zoomed.textContent = text.zoom(zoom);
    compare.draw(at, box);
  }

  function step(direction, point = { x: 0, y: 0 }) {
    const natural = size();
    if (!natural) return;
    const fitted = fitZoom(natural, room(), ratio());
    const zoom = nextZoom(view.zoom ?? fitted, direction, fitted);
    zoomTo(zoom <= fitted ? null : zoom, point);
  }

  /** `point`, relative to the viewport's middle, stays where it is. */
  function zoomTo(zoom, point) {
    const natural = size();
    if (!natural) return;
    const fitted = fitZoom(natural, room(), ratio());
    const factor = (zoom ?? fitted) / (view.zoom ?? fitted);
    view = { zoom, x: point.x + (view.x - point.x) * factor, y: point.y + (view.y - point.y) * factor };
    draw();
  }

  function fit() {
    view = { zoom: null, x: 0, y: 0 };
    draw();
  }

  function move(x, y) {
    view = { ...view, x: view.x + x, y: view.y + y };
    draw();
  }

  function pinch(factor, point) {
    const fitted = fitZoom(size(), room(), ratio());
    zoomTo(Math.min(Math.max((view.zoom ?? fitted) * factor, fitted), 32), point);
  }

  followGestures(viewport, {
    move,
    pinch,
    wheel: step,
    double: (point) => (view.zoom === null ? (step(1, point), step(1, point)) : fit()),
    released: () => {
      if (view.zoom !== null && view.zoom > 1) zoomTo(Math.round(view.zoom), { x: 0, y: 0 });
    },
  });

  viewport.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const actions = {
      "+": () => step(1),
      "=": () => step(1),
      "-": () => step(-1),
      0: fit,
      o: () => !event.repeat && compare.peek(true),
      ArrowLeft: () => move(60, 0),
      ArrowRight: () => move(-60, 0),
      ArrowUp: () => move(0, 60),
      ArrowDown: () => move(0, -60),
    };
    const action = actions[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  });
  viewport.addEventListener("keyup", (event) => event.key === "o" && compare.peek(false));
  viewport.addEventListener("blur", () => compare.peek(false));

  let resized = 0;
  new ResizeObserver(() => {
    box = { width: viewport.clientWidth, height: viewport.clientHeight };
    draw();
    clearTimeout(resized);
    // A preview that was made for another room is made anew, so that its pixels stay whole.
    resized = setTimeout(() => box.width > 0 && store.set({ room: maxSize() }), RESIZE_MS);
  }).observe(viewport);

  store.on(["source"], () => {
    view = { zoom: null, x: 0, y: 0 };
    const source = store.get("source");
    paint(before, source?.bitmap ?? null, source?.bitmap ? source.scaled(2 * LARGEST_PREVIEW) : null);
    paint(after, source?.bitmap ?? null, source?.bitmap ? source.scaled(LARGEST_PREVIEW) : null);
    compare.comparable(Boolean(source?.bitmap));
    draw();
  });
  store.on(["result"], () => {
    const result = store.get("result");
    if (result) {
      paint(after, result.bitmap, result);
      element.dataset.previews = String(Number(element.dataset.previews ?? 0) + 1);
    }
    draw();
  });
  let waiting = 0;
  store.on(["busy"], () => {
    clearTimeout(waiting);
    // Short work shows nothing: a flicker for each step of a slider helps nobody.
    if (store.get("busy")) waiting = setTimeout(() => (busy.hidden = false), 250);
    else busy.hidden = true;
  });

  return { element, tools, maxSize, draw };
}

function paint(canvas, bitmap, size) {
  if (!bitmap) {
    canvas.width = canvas.height = 1;
    return;
  }
  canvas.width = size.width;
  canvas.height = size.height;
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, size.width, size.height);
}
