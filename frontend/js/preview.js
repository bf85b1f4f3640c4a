/**
 * The live preview: one request at a time, for the newest options; one that has become stale and
 * slow is given up.
 */

import { api, ApiError } from "./api.js";
import { errors } from "./strings.js";
import { pixels } from "./zoom.js";

const SETTLE_MS = 20;
const STALE_MS = 350;

/** `maxSize()` is the longer side, in pixels, that the stage can show one to one. */
export function createPreview(store, maxSize) {
	let running = null;
	let wanted = false;
	let timer = 0;

	function want() {
		if (!store.source || !store.catalogue) return;
		wanted = true;
		clearTimeout(timer);
		if (!running) timer = setTimeout(run, SETTLE_MS);
		else if (running.source !== store.source || performance.now() - running.at > STALE_MS) running.abort.abort();
		else timer = setTimeout(want, STALE_MS);
	}

	async function run() {
		wanted = false;
		const { source } = store;
		running = { source, at: performance.now(), abort: new AbortController() };
		store.set({ busy: true });
		try {
			const result = await render(source, store.options, maxSize(), running.abort.signal);
			if (store.source === source) store.set({ result, error: null });
			else result.bitmap.close();
		} catch (error) {
			const isStale = error.name === "AbortError" || store.source !== source || wanted;
			if (!isStale && !(error instanceof ApiError)) throw error;
			if (!isStale) store.set({ error: { error, retry: want } });
		} finally {
			running = null;
			store.set({ busy: wanted });
			clearTimeout(timer);
			if (wanted) timer = setTimeout(run);
		}
	}

	let shown = null;
	store.on(["result"], () => {
		shown?.bitmap.close();
		shown = store.result;
	});
	store.on(["source", "options", "catalogue"], want);
	store.on(["room"], () => {
		const { result, room } = store;
		if (result && !result.whole && Math.max(result.width, result.height) !== room) want();
	});
	store.on(["online"], () => store.online && store.error?.error?.kind === "offline" && want());
}

/**
 * → {blob, bitmap, width, height, colours, whole, options}. `whole`: the preview has the size of the
 * picture that would be saved, before its enlargement.
 */
async function render(source, options, size, signal) {
	const asked = previewOptions(source, options, size);
	const file = await source.copy(size);
	signal.throwIfAborted();
	const { blob, colours } = await api.preview(file, asked.options, { maxSize: size, signal });
	const bitmap = await createImageBitmap(blob);
	return { blob, bitmap, width: bitmap.width, height: bitmap.height, colours, whole: asked.whole, options };
}

/** The options for the small copy: not enlarged, and no larger than the preview. */
function previewOptions(source, { scale: _, width, height, ...others }, size) {
	if (!source.bitmap || (!width && !height)) return { options: { ...others, width, height }, whole: source.isWhole(size) };
	const target = outputSize(source, { width, height });
	const factor = size / Math.max(target.width, target.height);
	if (factor >= 1) return { options: { ...others, width, height }, whole: true };
	return { options: { ...others, width: pixels(target.width * factor), height: pixels(target.height * factor) }, whole: false };
}

/** Size before the enlargement, in pixels: as the engine computes it. */
export function outputSize(source, { width, height }) {
	const w = width ?? (height ? pixels((source.width * height) / source.height) : source.width);
	const h = height ?? (width ? pixels((source.height * width) / source.width) : source.height);
	return { width: w, height: h };
}

/** Size of the picture that is saved. */
export function enlargedSize(source, options) {
	const { width, height } = outputSize(source, options);
	const { scale = 1 } = options;
	return { width: width * scale, height: height * scale };
}

/** Why the service would not save this: a sentence, or null. */
export function sizeProblem({ source, options, catalogue }) {
	const size = enlargedSize(source, options);
	const most = catalogue?.limits.max_pixels ?? Infinity;
	return size.width * size.height > most ? errors.tooManyPixels(size, most) : null;
}
