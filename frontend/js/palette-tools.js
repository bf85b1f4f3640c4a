/** Actions for a whole palette: keep it, take it from the picture or a file, write it to a file. */

import { api, ApiError } from "./api.js";
import { saveFile } from "./download.js";
import { button, h } from "./dom.js";
import { toast } from "./messages.js";
import { keepButton } from "./naming.js";
import { WRITERS } from "./palette-files.js";
import { colours as text } from "./strings.js";

const MOST = 256;

/** `get()`: {colours, locked}; `set(colours)`. */
export function createPaletteTools(store, get, set) {
	const keep = keepButton("palettes", text.keep, () => get().colours);
	const input = h("input.sr-only", { type: "file", tabindex: "-1", "aria-hidden": "true", accept: ".hex,.gpl,.pal,.ase,.txt,image/*", onchange: take });
	const write = h("select.input.compact", { "aria-label": text.write, onchange: save }, h("option", { value: "" }, text.write), Object.keys(WRITERS).map((kind) => h("option", { value: kind }, text.files[kind])));

	function take() {
		const [file] = input.files;
		input.value = "";
		return attempt(async () => {
			const { colours } = await api.palette(file);
			set(colours);
			toast(text.pasteFound(colours.length, 2, MOST));
		});
	}

	function save() {
		const kind = write.value;
		write.value = "";
		if (kind) saveFile(new Blob([WRITERS[kind](text.fileName, get().colours)]), `${text.fileName}.${kind}`);
	}

	/** Takes as many colours from the picture as the palette has; locked ones stay in place. */
	const fromPicture = () =>
		attempt(async () => {
			const { colours, locked } = get();
			const { palette } = await api.facts(store.source, { algorithm: "none", palette: `adaptive:${colours.length}`, width: Math.min(store.source.width, 800) });
			const fresh = palette.map(({ hex }) => hex).filter((hex) => !locked.has(hex));
			set(colours.map((colour) => (locked.has(colour) ? colour : (fresh.shift() ?? colour))));
		});

	async function attempt(work) {
		try {
			await work();
		} catch (error) {
			if (!(error instanceof ApiError)) throw error;
			toast(error.message);
		}
	}

	return [h(".row", keep.button, button(text.fromPicture, fromPicture), button(text.read, () => input.click()), write, input), keep.form];
}
