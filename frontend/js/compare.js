/** Comparing original and result: which is shown where, and the divider between them. */

import { h, onKeys, setStyle } from "./dom.js";
import { segments } from "./fields.js";
import { stage as text } from "./strings.js";

const TAG_WIDTH = 80;

const MODES = ["original", "split", "dithered", "side", "difference"];

export function createCompare(viewport, changed) {
	let mode = "split";
	let possible = true;
	let share = 0.5; // the share of the visible picture that shows the original
	let visible = { from: 0, to: 0 };

	const modes = segments(text.view, MODES.map((value) => [value, text[value]]), mode, choose);
	const shown = () => (possible ? mode : "dithered");

	function choose(value) {
		mode = value;
		modes.set(value);
		changed();
	}
	const divider = h(
		".divider",
		{ tabindex: "0", role: "slider", "aria-label": text.divider, "aria-valuemin": "0", "aria-valuemax": "100", "aria-orientation": "horizontal" },
		h("span.tag.left", { "aria-hidden": "true" }, text.original),
		h("span.grip"),
		h("span.tag.right", { "aria-hidden": "true" }, text.dithered),
	);

	function set(value) {
		share = Math.min(Math.max(value, 0), 1);
		changed();
	}

	divider.addEventListener("pointerdown", (event) => {
		divider.setPointerCapture(event.pointerId);
		event.preventDefault();
		divider.focus({ focusVisible: false });
	});
	divider.addEventListener("pointermove", (event) => {
		if (!divider.hasPointerCapture(event.pointerId)) return;
		const x = event.clientX - viewport.getBoundingClientRect().left;
		set((x - visible.from) / Math.max(1, visible.to - visible.from));
	});
	onKeys(divider, { ArrowLeft: -0.02, ArrowDown: -0.02, ArrowRight: 0.02, ArrowUp: 0.02, PageDown: -0.1, PageUp: 0.1, Home: -1, End: 1 }, (step) => set(share + step));

	return {
		modes,
		divider,
		/** Switches to the next way to compare. */
		next: () => possible && choose(MODES[(MODES.indexOf(mode) + 1) % MODES.length]),

		get mode() {
			return shown();
		},

		comparable(yes) {
			possible = yes;
			modes.hidden = !yes;
		},

		/** `at`: the picture's place in its view, `box`: the viewport's size. */
		draw(at, box) {
			viewport.dataset.mode = shown();
			visible = { from: Math.max(0, at.left), to: Math.min(box.width, at.left + at.width) };
			const line = visible.from + share * (visible.to - visible.from);
			const top = Math.max(0, at.top);
			divider.hidden = shown() !== "split";
			setStyle(viewport, { "--cut": `${line}px` });
			setStyle(divider, { "--line": `${line}px`, "--top": `${top}px`, "--height": `${Math.min(box.height, at.top + at.height) - top}px` });
			setStyle(divider, { "--left": Number(line - visible.from > TAG_WIDTH), "--right": Number(visible.to - line > TAG_WIDTH) });
			const percent = Math.round(share * 100);
			divider.ariaValueNow = String(percent);
			divider.ariaValueText = text.dividerValue(percent);
		},
	};
}
