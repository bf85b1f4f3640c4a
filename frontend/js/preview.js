/**
 * The live preview: parts of the picture that would be saved. One request at a time: first the
 * visible part with the newest options, then the area around it, then the whole picture, reduced.
 */

import { api, ApiError } from "./api.js";
import { engineOptions, previewOptions, sizeProblem } from "./output.js";

const VIEWER = String(Math.random()); // a newer request of this page stops its older one
const SETTLE_MS = 15;
const STALE_MS = 350;
const FACTS_MS = 150;
const SLOW_MS = 800; // if parts take longer than this to arrive, a draft is requested first

/** `missing()`: the stage's function for what it still needs, {part, whole} or null. */
export function createPreview(store, missing) {
	let running = null;
	let wanted = false;
	let timer = 0;
	const line = createLine();
	let done = ""; // the last answered request, which is not sent again

	function want() {
		if (!store.source || !store.catalogue) return;
		wanted = true;
		clearTimeout(timer);
		if (!running) timer = setTimeout(run, SETTLE_MS);
		else if (running.source !== store.source || (running.held && performance.now() - running.at > STALE_MS)) running.abort.abort();
		else timer = setTimeout(want, STALE_MS);
	}

	async function run() {
		wanted = false;
		const { source, options } = store;
		const problem = sizeProblem(store);
		if (problem) return store.set({ busy: false, error: { error: new Error(problem) } });
		let job = source.width ? missing() : { measured: true };
		if (job?.part && store.result?.options !== options && line.isSlow(job.part)) job = { part: draftOf(job.part) };
		const key = JSON.stringify([source.id, options, job]);
		if (!job || key === done) return store.set({ busy: false });
		running = { source, at: performance.now(), held: source.held !== null, abort: new AbortController() };
		store.set({ busy: true });
		try {
			await make(source, options, job, running.abort.signal);
			done = key;
			wanted = true; // is there more to show?
		} catch (error) {
			const isStale = error.name === "AbortError" || store.source !== source || wanted;
			if (!isStale && !(error instanceof ApiError)) throw error;
			if (!isStale) store.set({ error: { error, retry: again } });
		} finally {
			running = null;
			clearTimeout(timer);
			if (wanted) timer = setTimeout(run);
			else store.set({ busy: false });
		}
	}

	function again() {
		done = "";
		want();
	}

	async function make(source, options, { part, whole, measured }, signal) {
		if (measured) return measure(source, signal);
		const onProgress = source.held ? undefined : (sent) => store.set({ sent: { source, share: Math.min(1, sent / source.file.size) } });
		const answer = await api.part(source, previewOptions(options, source), part, { signal, onProgress, viewer: VIEWER });
		line.note(answer, part);
		const url = URL.createObjectURL(answer.blob);
		const image = new Image();
		image.src = url;
		await image.decode().finally(() => URL.revokeObjectURL(url)); // the image keeps what it has loaded
		if (store.source !== source) return;
		source.frames = answer.frames;
		const shown = { ...answer, source, options, part, image, whole };
		store.set(whole === "beneath" ? { overview: shown, sent: null } : { result: shown, error: null, sent: null, ...(whole && { overview: shown }) });
	}

	/** The size of a picture that this browser cannot read. */
	async function measure(source, signal) {
		const { source: size } = await api.facts(source, {}, { signal });
		Object.assign(source, size);
		if (store.source === source) store.set({ sized: source.id });
	}

	store.on(["source", "options", "catalogue", "sight"], want);
	store.on(["source", "options"], () => (done = ""));
	store.on(["online"], () => store.online && store.error?.error?.kind === "offline" && again());
	watchFacts(store);
}

const pixelsOf = (part) => part.shown_width * part.shown_height;

/** A draft for slow connections: half as many pixels per side, lossy. */
function draftOf(part) {
	return { ...part, shown_width: Math.ceil(part.shown_width / 2), shown_height: Math.ceil(part.shown_height / 2), lossy: true };
}

/** Measures the speed of the connection: {note(answer, part), isSlow(part)}. */
function createLine() {
	let perPixel = 0; // milliseconds
	return {
		note: ({ ms }, part) => !part.lossy && (perPixel = ms / pixelsOf(part)),
		isSlow: (part) => pixelsOf(part) * perPixel > SLOW_MS,
	};
}

/** Sets `store.facts` about the file that would be saved, after the picture is shown; else null. */
function watchFacts(store) {
	let timer = 0;
	let abort = new AbortController();

	async function look() {
		const { source, options } = store;
		abort = new AbortController();
		try {
			const facts = await api.facts(source, engineOptions(options, source), { signal: abort.signal });
			if (store.source === source && store.options === options) store.set({ facts });
		} catch (error) {
			// The numbers are optional: errors are shown at the picture.
			if (error.name !== "AbortError" && !(error instanceof ApiError)) throw error;
		}
	}

	store.on(["source", "options"], () => {
		clearTimeout(timer);
		abort.abort();
		store.set({ facts: null });
	});
	store.on(["busy"], () => {
		clearTimeout(timer);
		const { result, source, options, facts } = store;
		if (!store.busy && !facts && result?.source === source && result?.options === options) timer = setTimeout(look, FACTS_MS);
	});
}
