/** The tabs of adjustments and of sizes; options that no other tab shows are here. */

import { h } from "./dom.js";
import { bindFields, segments } from "./fields.js";
import { enlargedSize, sizeProblem } from "./preview.js";
import { size as text } from "./strings.js";
import { pixels } from "./zoom.js";

const PICTURE = ["brightness", "contrast", "saturation", "gamma"];
const SIDES = ["width", "height"];
const FILE = ["scale", "alpha", "background", "format"];
const ELSEWHERE = ["algorithm", "palette", "channels", "distance", "kernel"];
const CHUNKY = [1, 2, 3, 4, 6, 8, 12];

export function createAdjust(store, studio) {
	const picture = h(".fields");
	const mixing = h(".fields");
	bindFields(store, studio, ({ fields, controlled }) => {
		const shown = [...PICTURE, ...SIDES, ...FILE, ...ELSEWHERE, ...controlled];
		return [[picture, PICTURE], [mixing, Object.keys(fields).filter((key) => !shown.includes(key))]];
	});
	return h(".pane", picture, mixing);
}

export function createSize(store, studio) {
	const sides = h(".fields.two");
	const others = h(".fields");
	const result = h("p.numbers");
	const chunky = segments(text.chunky, CHUNKY.map((value) => ({ value, title: text.chunkyValue(value) })), 1, choose);
	const chunks = h(".field", h("span.field-label", text.chunky), chunky, h("p.soft.small", text.chunkyHint));
	bindFields(store, studio, () => [[sides, SIDES], [others, FILE]]);

	/** Width and enlargement in one choice. */
	function choose(times) {
		studio.change({ width: chunkyWidth(times), height: null, scale: times });
	}
	function chunkyWidth(times) {
		return times === 1 ? null : pixels(store.source.width / times);
	}

	store.on(["options", "source"], () => {
		const isKnown = Boolean(store.source?.bitmap);
		chunks.hidden = result.hidden = !isKnown;
		if (!isKnown) return;
		const { width = null, height, scale = 1 } = store.options;
		chunky.set(height === undefined && width === chunkyWidth(scale) ? scale : null);
		const problem = sizeProblem(store);
		result.textContent = problem ?? text.result(enlargedSize(store.source, store.options));
		result.className = `small numbers ${problem ? "bad" : "soft"}`;
	});
	return h(".pane", chunks, sides, others, result);
}
