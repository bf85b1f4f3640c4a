/**
 * The live preview: one request at a time, always for the newest options. While one is under way
 * newer options wait; a request that has become stale and slow is given up.
 */

import { api, ApiError } from "./api.js";

const SETTLE_MS = 20;
const STALE_MS = 350;

/** `maxSize()` is the longer side, in pixels, that the stage can show one to one. */
export function createPreview(store, maxSize) {
  let running = null;
  let wanted = false;
  let timer = 0;

  function want() {
    if (!store.get("source") || !store.get("catalogue")) return;
    wanted = true;
    clearTimeout(timer);
    if (!running) timer = setTimeout(run, SETTLE_MS);
    else if (performance.now() - running.at > STALE_MS) running.abort.abort();
    else timer = setTimeout(want, STALE_MS);
  }

  async function run() {
    wanted = false;
    const source = store.get("source");
    if (!source) return;
    const mine = { source, at: performance.now(), abort: new AbortController() };
    running = mine;
    store.set({ busy: true });
    try {
      const result = await render(source, store.get("catalogue"), store.get("options"), maxSize(), mine.abort.signal);
      if (store.get("source") === source) store.set({ result, error: null });
    } catch (error) {
      if (error.name !== "AbortError" && store.get("source") === source && !wanted) fail(error);
    } finally {
      running = null;
      store.set({ busy: wanted });
      if (wanted) {
        clearTimeout(timer);
        timer = setTimeout(run, 0);
      }
    }
  }

  function fail(error) {
    if (!(error instanceof ApiError)) throw error;
    store.set({ error: { sentence: error.message, error, retry: want } });
  }

  store.on(["source", "options", "catalogue", "exact"], () => {
    if (running && running.source !== store.get("source")) running.abort.abort();
    want();
  });
  store.on(["room"], () => {
    const result = store.get("result");
    if (result && !result.whole && Math.max(result.width, result.height) !== store.get("room")) want();
  });
  store.on(["online"], () => {
    if (store.get("online") && store.get("error")?.error?.kind === "offline") want();
  });
  return { refresh: want };
}

/**
 * → {blob, bitmap, width, height, colours, whole, options}. `whole`: the preview is the very
 * picture that would be saved, before its enlargement.
 */
async function render(source, catalogue, options, size, signal) {
  const asked = previewOptions(source, catalogue, options, size);
  const file = await source.copy(size);
  signal.throwIfAborted();
  const { blob, colours } = await api.preview(file, asked.options, { maxSize: size, signal });
  const bitmap = await createImageBitmap(blob);
  return { blob, bitmap, width: bitmap.width, height: bitmap.height, colours, whole: asked.whole, options };
}

/**
 * The options for the small copy. The enlargement is left to the browser; a size beyond the
 * preview's is left out unless it changes the picture's shape.
 */
export function previewOptions(source, catalogue, options, size) {
  const { scale: _, width, height, ...others } = options;
  const wide = Math.max(width ?? 0, height ?? 0);
  if (wide > 0 && wide <= size) return { options: { ...others, width, height }, whole: true };
  if (wide === 0) return { options: others, whole: source.isWhole(size) };
  const target = outputSize(source, { width, height });
  const factor = size / Math.max(target.width, target.height);
  if (factor >= 1) return { options: { ...others, width, height }, whole: true };
  const shrunk = { width: Math.max(1, Math.round(target.width * factor)), height: Math.max(1, Math.round(target.height * factor)) };
  return { options: { ...others, ...shrunk }, whole: false };
}

/** Size before the enlargement, in pixels: as the engine computes it. */
export function outputSize(source, { width, height }) {
  const w = width ?? (height ? Math.max(1, Math.round((source.width * height) / source.height)) : source.width);
  const h = height ?? (width ? Math.max(1, Math.round((source.height * width) / source.width)) : source.height);
  return { width: w, height: h };
}
