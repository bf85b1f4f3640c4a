/** A palette that can be changed. */

import { freshId, h, iconButton, replace } from "./dom.js";
import { parseHex } from "./fragment.js";
import { foldedForm } from "./naming.js";
import { coloursIn, lospecName } from "./palette-files.js";
import { createPaletteTools } from "./palette-tools.js";
import { colours as text } from "./strings.js";
import { announce } from "./messages.js";

const FEWEST = 2;
const MOST = 256;

/** `onchange(colours)`: lower-case `#rrggbb`, in order. */
export function createPaletteEditor(store, onchange) {
	let colours = [];
	const locked = new Set(); // colours that stay when the others are generated again
	let chosen = 0;

	const id = freshId("chips");
	const chips = h(".chips", { role: "listbox", "aria-label": text.editor, "aria-orientation": "horizontal", tabindex: "0" });
	const count = h("span.soft.small");
	const well = h("input.well", { type: "color", "aria-label": text.editor, oninput: () => recolour(well.value) });
	const code = h("input.input.code", { maxlength: "7", spellcheck: "false", autocomplete: "off", "aria-label": text.hex, onchange: () => recolour(code.value) });
	const earlier = iconButton("left", text.earlier, () => move(-1), "compact");
	const later = iconButton("right", text.later, () => move(1), "compact");
	const remove = iconButton("bin", text.remove, drop, "compact");
	const lock = iconButton("lock", text.lock, toggleLock, "compact");
	const add = iconButton("plus", text.add, insert, "compact");
	const paste = createPaste(send);
	const element = h(
		".editor",
		h(".row", h("h2.grow", text.editor), count),
		chips,
		h(".row.nowrap.edit-row", well, code, h("span.grow"), earlier, later, lock, remove, add),
		createPaletteTools(store, () => ({ colours, locked }), send),
		h(".row", paste.button),
		paste.form,
	);

	function draw() {
		chosen = Math.min(Math.max(chosen, 0), colours.length - 1);
		replace(chips, colours.map((colour, i) => {
			const chip = h("span.chip", { role: "option", id: `${id}-${i}`, "aria-selected": String(i === chosen), "aria-label": text.colour(i + 1, colour, locked.has(colour)), title: colour, draggable: "true", "data-locked": locked.has(colour), style: { "background-color": colour } });
			chip.place = i;
			return chip;
		}));
		chips.setAttribute("aria-activedescendant", `${id}-${chosen}`);
		count.textContent = text.edited(colours.length);
		well.value = colours[chosen];
		if (document.activeElement !== code) code.value = colours[chosen];
		lock.setAttribute("aria-pressed", String(locked.has(colours[chosen])));
		earlier.disabled = chosen === 0;
		later.disabled = chosen >= colours.length - 1;
		remove.disabled = colours.length <= FEWEST;
		add.disabled = colours.length >= MOST;
	}

	function send(changed) {
		colours = changed;
		draw();
		onchange(colours);
	}

	function choose(place) {
		chosen = place;
		code.blur();
		draw();
	}

	function recolour(written) {
		const colour = parseHex(written);
		if (colour) send(colours.with(chosen, colour));
	}

	function toggleLock() {
		const colour = colours[chosen];
		if (!locked.delete(colour)) locked.add(colour);
		draw();
	}

	function move(by) {
		const to = chosen + by;
		if (!(to in colours)) return;
		const moved = colours.toSpliced(chosen, 1).toSpliced(to, 0, colours[chosen]);
		chosen = to;
		send(moved);
		announce(text.moved(to + 1, colours.length));
	}

	function drop() {
		if (colours.length <= FEWEST) return;
		send(colours.toSpliced(chosen, 1));
		announce(text.removed);
	}

	function insert() {
		chosen += 1;
		send(colours.toSpliced(chosen, 0, colours[chosen - 1]));
		announce(text.added);
		code.focus();
		code.select();
	}

	chips.addEventListener("dragstart", ({ target, dataTransfer }) => {
		choose(target.place);
		dataTransfer.setData("text/plain", colours[chosen]);
	});
	chips.addEventListener("dragover", (event) => event.target.place !== undefined && event.preventDefault());
	chips.addEventListener("drop", (event) => {
		event.preventDefault();
		if (event.target.place !== undefined) move(event.target.place - chosen);
	});
	chips.addEventListener("click", ({ target }) => target.place !== undefined && choose(target.place));
	chips.addEventListener("keydown", (event) => {
		const by = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1, Home: -MOST, End: MOST }[event.key];
		if (event.key === "Delete" || event.key === "Backspace") drop();
		else if (by && event.altKey) move(Math.sign(by));
		else if (by) choose(chosen + by);
		else return;
		event.preventDefault();
	});
	code.addEventListener("input", () => {
		code.setAttribute("aria-invalid", String(parseHex(code.value) === null));
		// Only for six digits: three may be the beginning of six.
		if (code.value.replace("#", "").length === 6) recolour(code.value);
	});
	code.addEventListener("blur", () => {
		code.value = colours[chosen];
		code.removeAttribute("aria-invalid");
	});

	return {
		element,
		set(given) {
			if (JSON.stringify(given) === JSON.stringify(colours)) return;
			colours = given;
			draw();
		},
	};
}

/** The form for pasting a list of colours, and the button that opens it. */
function createPaste(onuse) {
	const id = freshId("paste");
	const field = h("textarea.input", { id, rows: "3", placeholder: text.pastePlaceholder, spellcheck: "false", oninput: note });
	const status = h("p.small.soft", { role: "status" });

	function note() {
		const lospec = lospecName(field.value);
		status.textContent = lospec ? text.lospec(lospec) : text.pasteFound(coloursIn(field.value).length, FEWEST, MOST);
	}
	return foldedForm("paste", {
		label: text.paste,
		use: text.use,
		field,
		content: [h("label.small", { for: id }, text.pasteLabel), field, status],
		onuse() {
			note();
			const found = coloursIn(field.value);
			if (found.length < FEWEST || found.length > MOST) return false;
			onuse(found);
			status.textContent = "";
			return true;
		},
	});
}
