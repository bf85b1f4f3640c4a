/** The tabs of adjustments and of sizes, with all options that no other tab shows. */

import { OF_A_FILE } from "./catalogue.js";
import { h } from "./dom.js";
import { bindFields, segments } from "./fields.js";
import { createHistogram } from "./histogram.js";
import { patternSize, savedSize } from "./output.js";
import { size as text } from "./strings.js";

const PICTURE = ["brightness", "contrast", "saturation", "gamma"];
const SIDES = ["width", "height"];
const FILE = ["alpha", "background"];
const SIMPLE = /^(number|integer|boolean)$/;
const PATTERNS = [1, 2, 3, 4, 6, 8, 12];
const PAGE = 600; // dots across a page 15 cm wide, at 40 dots per centimetre

export function createAdjust(store, studio) {
	const picture = h(".fields");
	const mixing = h(".fields");
	bindFields(store, studio, ({ fields, controlled }) => {
		const shown = [...PICTURE, ...FILE, ...controlled, "measured"];
		const others = Object.keys(fields).filter((key) => !shown.includes(key) && !OF_A_FILE.test(key) && (fields[key].values || SIMPLE.test(fields[key].type)));
		return [[picture, PICTURE], [mixing, others]];
	});
	return h(".pane", createHistogram(store), picture, mixing);
}

/** The control of the dot size: pixels per dot, or the size of a printed page for any picture. */
export function createPattern(store, studio) {
	const choices = [...PATTERNS.map((value) => [value, value]), ["page", text.page]];
	const bar = segments(text.pattern, choices, 1, choose);
	const note = h("p.soft.small");
	const element = h(".field", h("span.field-label", text.pattern), bar, note);

	function choose(value) {
		const { width, height, scale = 1 } = store.options;
		const size = { width: width && width * scale, height: height && height * scale, scale: null };
		studio.change({ ...size, ...(value === "page" ? { across: PAGE, pattern: null } : { across: null, pattern: value }) });
	}
	store.on(["options", "source", "sized"], () => {
		const { options, source } = store;
		element.hidden = !source?.width;
		if (element.hidden) return;
		const size = patternSize(options, source);
		bar.set(options.across === PAGE ? "page" : size);
		note.textContent = text.patternNote(size, Math.round(Math.max(...Object.values(savedSize(options, source))) / size));
	});
	return element;
}

export function createSize(store, studio) {
	const sides = h(".fields.two");
	const others = h(".fields");
	bindFields(store, studio, () => [[sides, SIDES], [others, FILE]]);
	return h(".pane", createPattern(store, studio), sides, others);
}
