/** Small live pictures of what an option would do, made one after the other and only when seen. */

import { api } from "./api.js";
import { h } from "./dom.js";

const SIZE = { width: 108, height: 72 };

export function createSwatches(store) {
	const made = new Map(); // key → object URL
	const queue = [];
	let working = false;

	const seen = new IntersectionObserver((entries) => {
		for (const { target, isIntersecting } of entries) {
			target.swatch.visible = isIntersecting;
			if (isIntersecting) refresh(target);
		}
	});

	function refresh(element) {
		const { swatch } = element;
		const options = swatch.options();
		const { source } = store;
		if (!source?.bitmap || !options) return;
		const key = JSON.stringify([source.id, options]);
		if (swatch.key === key) return;
		swatch.key = key;
		if (made.has(key)) return show(element, made.get(key));
		queue.push({ element, key, source, options });
		work();
	}

	async function work() {
		// The big picture goes first; and one only, so that a slow method does not hold it up.
		if (working || store.busy || queue.length === 0) return;
		const { element, key, source, options } = queue.shift();
		const { swatch } = element;
		if (swatch.key === key && swatch.visible && source === store.source) {
			working = true;
			try {
				const { blob } = await api.preview(await source.swatch(SIZE), options, { maxSize: SIZE.width });
				made.set(key, URL.createObjectURL(blob));
				if (swatch.key === key) show(element, made.get(key));
			} catch {
				// A swatch is a hint; what is wrong is said where the big picture is.
				if (swatch.key === key) swatch.key = null;
			}
			working = false;
		} else if (swatch.key === key) swatch.key = null;
		work();
	}

	store.on(["source"], () => {
		made.forEach(URL.revokeObjectURL);
		made.clear();
	});
	store.on(["busy"], work);

	return {
		/** An image element; `options()` gives the options it shows, or null for none. */
		swatch(options) {
			const element = h("img.swatch.pending", { alt: "", ...SIZE });
			element.swatch = { options, visible: false, key: null };
			seen.observe(element);
			return element;
		},

		/** Makes the swatches of `elements` anew where their options have changed. */
		refresh: (elements) => elements.filter((element) => element.swatch.visible).forEach(refresh),
	};
}

/** The same options on a swatch, whose size is its own. */
export function smallOptions({ width: _w, height: _h, scale: _s, format: _f, ...others }) {
	return others;
}

function show(element, url) {
	element.src = url;
	element.classList.remove("pending");
}
