/** Small live pictures that show the effect of an option, made only when visible. */

import { api } from "./api.js";
import { OF_A_FILE } from "./catalogue.js";
import { h } from "./dom.js";

const SIZE = { width: 108, height: 72 };

export function createSwatches(store) {
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
		queue.push({ element, key, source, options });
		work();
	}

	async function work() {
		// One at a time, after the main picture, so that a slow method does not delay it.
		if (working || store.busy || queue.length === 0) return;
		const { element, key, source, options } = queue.shift();
		const { swatch } = element;
		if (swatch.key === key && swatch.visible && source === store.source) {
			working = true;
			try {
				const blob = await api.file(await source.swatch(SIZE), options);
				if (swatch.key === key) show(element, blob);
			} catch {
				// Errors are shown at the main picture, not at a swatch.
				if (swatch.key === key) swatch.key = null;
			}
			working = false;
		} else if (swatch.key === key) swatch.key = null;
		work();
	}

	store.on(["busy"], work);

	return {
		swatch(options) {
			const element = h("img.swatch", { alt: "", ...SIZE });
			element.swatch = { options, visible: false, key: null };
			seen.observe(element);
			return element;
		},

		/** Renders again the swatches whose options have changed. */
		refresh: (elements) => elements.filter((element) => element.swatch.visible).forEach(refresh),
	};
}

/** The options for a swatch: without those for the size and the file. */
export const smallOptions = (options) => Object.fromEntries(Object.entries(options).filter(([key]) => !OF_A_FILE.test(key)));

/** Shows `blob` in `element`; the URL of its previous picture is revoked. */
function show(element, blob) {
	URL.revokeObjectURL(element.src);
	element.src = URL.createObjectURL(blob);
}
