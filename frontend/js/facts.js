/** The line of numbers below the picture, and the colours in it. */

import { h, replace } from "./dom.js";
import { measure } from "./measure.js";
import { toast } from "./messages.js";
import { enlargedSize, outputSize } from "./preview.js";
import { facts as text, format } from "./strings.js";

const SHOWN = 32;
const SETTLE_MS = 150;

export function createFacts(store, studio) {
	const list = h("dl.facts-list.numbers");
	const palette = h(".used");
	const element = h("section.facts", { "aria-label": text.label, hidden: true }, list, palette);
	let timer = 0;

	store.on(["result", "source"], () => {
		// From the beginning: a preview is made for the room that is left.
		element.hidden = !store.source;
		clearTimeout(timer);
		// Numbers can wait for the picture, and a slider makes many.
		timer = setTimeout(show, SETTLE_MS);
	});

	function show() {
		const { result, source } = store;
		if (!result || !source) return;
		const { colours, psnr, seen } = measure(result, source.bitmap);
		replace(
			list,
			source.bitmap && fact(text.size, format.dimensions(enlargedSize(source, result.options))),
			fact(text.colours, format.whole(colours.count)),
			source.bitmap && fact(text.bytes, fileSize(result, source), text.originalHas(source.file.size)),
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

/** `hint` is said at a click: a tooltip would be for the mouse alone. */
function fact(name, value, hint = null) {
	return h("div", h("dt.soft", hint ? h("button.term", { onclick: () => toast(hint) }, name) : name), h("dd", value));
}

/** Exact where the preview is what would be saved; else reckoned by its pixels. */
function fileSize(result, source) {
	const { blob, whole, options } = result;
	const { width, height } = outputSize(source, options);
	const bytes = format.bytes(Math.round((blob.size * width * height) / (result.width * result.height)));
	return whole && !options.scale ? bytes : `${text.about} ${bytes}`;
}

function strip({ all, count }) {
	const cells = all.slice(0, SHOWN).map(({ hex, share }) => {
		const title = text.share(hex, (share * 100).toFixed(1));
		return h("li", { title, style: { "background-color": hex, "flex-grow": String(Math.max(share, 0.015)) } }, h("span.sr-only", title));
	});
	return h("ul.used-colours", { "aria-label": count > SHOWN ? text.manyColours(count) : text.palette }, cells);
}
