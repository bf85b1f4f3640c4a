/** How much of the picture is dark and how much is light: of the original, and of the result as seen from a distance. */

import { h, setStyle } from "./dom.js";
import { histogram as text, stage } from "./strings.js";

const SIDE = 160; // pixels of the copy that is counted
const BINS = 64;

export function createHistogram(store) {
	const [before, after] = [createSeries("before", stage.original), createSeries("after", stage.dithered)];
	const element = h(".field", h("span.field-label", text.label), h(".histogram", { "aria-hidden": "true" }, before.area, after.area), h(".row", before.key, after.key));

	store.on(["source"], () => {
		const image = store.source?.bitmap;
		element.hidden = !image;
		if (image) before.show(image);
	});
	store.on(["overview"], () => store.overview && after.show(store.overview.image));
	return element;
}

function createSeries(kind, title) {
	const area = h(`span.${kind}`);
	const key = h(`span.small.numbers.key.${kind}`);

	function show(image) {
		const { counts, mean } = countLightness(image);
		const most = Math.max(...counts);
		// The root keeps small counts visible beside a single tall one.
		const points = counts.map((count, i) => `${(i * 100) / (BINS - 1)}% ${100 - 100 * Math.sqrt(count / most)}%`);
		setStyle(area, { "clip-path": `polygon(0 100%, ${points.join()}, 100% 100%)` });
		key.textContent = text.mean(title, Math.round(mean * 100));
	}
	return { area, key, show };
}

/** → how many pixels are in each of BINS steps of lightness, and its mean, 0 to 1. */
function countLightness(image) {
	const context = new OffscreenCanvas(SIDE, SIDE).getContext("2d", { willReadFrequently: true });
	context.drawImage(image, 0, 0, SIDE, SIDE);
	const { data } = context.getImageData(0, 0, SIDE, SIDE);
	const counts = new Array(BINS).fill(0);
	let sum = 0;
	for (let at = 0; at < data.length; at += 4) {
		const luma = (0.2126 * data[at] + 0.7152 * data[at + 1] + 0.0722 * data[at + 2]) / 256;
		counts[Math.floor(luma * BINS)] += 1;
		sum += luma;
	}
	return { counts, mean: sum / SIDE ** 2 };
}
