/** The line of numbers below the picture, and the colours in it. */

import { h, replace } from "./dom.js";
import { measure } from "./measure.js";
import { outputSize } from "./preview.js";
import { facts as text, format } from "./strings.js";

const SHOWN = 32;
const SETTLE_MS = 150;

export function createFacts(store, studio) {
	const list = h("dl.facts-list.numbers");
	const palette = h(".used");
	const element = h("section.facts", { "aria-label": text.label, hidden: true }, list, palette);
	let timer = 0;

	store.on(["result", "source"], () => {
		// Its room is kept from the beginning: a preview is made for the room that is left.
		element.hidden = !store.source;
		clearTimeout(timer);
		// After the picture is on the screen: numbers can wait, and a slider makes many results.
		timer = setTimeout(show, SETTLE_MS);
	});

	function show() {
		const { result, source } = store;
		if (!result || !source) return;
		const { colours, psnr, seen } = measure(result, source.bitmap);
		replace(
			list,
			fact(text.size, savedSize(result, source)),
			fact(text.colours, format.whole(colours.count)),
			fact(text.bytes, fileSize(result, source), `${text.original}: ${format.bytes(source.file.size)}`),
			psnr !== null && fact(text.psnr, text.decibels(psnr), text.psnrHint),
			seen !== null && fact(text.seen, text.decibels(seen), text.seenHint),
		);
		const editable = colours.count >= 2 && colours.count === colours.all.length;
		replace(palette, strip(colours), editable && h("button.button.compact", { onclick: () => edit(colours) }, text.edit));
	}

	function edit({ all }) {
		studio.change({ palette: all.map(({ hex }) => hex) });
	}
	return element;
}

function fact(name, value, hint = null) {
	return h("div", { title: hint }, h("dt.soft", name), h("dd", value));
}

function savedSize(result, source) {
	const { width, height } = result.whole || !source.bitmap ? result : outputSize(source, result.options);
	const scale = result.options.scale ?? 1;
	return format.dimensions(width * scale, height * scale);
}

/** Exact where the preview is what would be saved; else reckoned by its pixels. */
function fileSize(result, source) {
	const { scale = 1 } = result.options;
	if (!source.bitmap || (result.whole && scale === 1)) return format.bytes(result.blob.size);
	const { width, height } = outputSize(source, result.options);
	return `${text.about} ${format.bytes(Math.round((result.blob.size * width * height) / (result.width * result.height)))}`;
}

function strip({ all, count }) {
	const cells = all.slice(0, SHOWN).map(({ hex, share }) => {
		const title = text.share(hex, format.decimal(share * 100));
		return h("li", { title, style: { "background-color": hex, "flex-grow": String(Math.max(share, 0.015)) } }, h("span.sr-only", title));
	});
	return h("ul.used-colours", { "aria-label": count > SHOWN ? text.manyColours(count) : text.palette }, cells);
}
