/** Actions for a whole palette: keep it, take it from the picture or a file, write it to a file. */

import { api, ApiError } from "./api.js";
import { saveFile } from "./download.js";
import { h } from "./dom.js";
import { toHex } from "./fragment.js";
import { toast } from "./messages.js";
import { keepButton } from "./naming.js";
import { coloursOfFile, WRITERS } from "./palette-files.js";
import { colours as text } from "./strings.js";

const MOST = 256;
const LARGEST_FILE = 1024 * 1024; // bytes of a palette file; a picture may be larger

/** `get()`: {colours, locked}; `set(colours)`. */
export function createPaletteTools(store, get, set) {
	const keep = keepButton("palettes", text.keep, () => get().colours);
	const input = h("input.sr-only", { type: "file", tabindex: "-1", "aria-hidden": "true", accept: ".hex,.gpl,.pal,.ase,.txt,image/*", onchange: take });
	const write = h("select.input.compact", { "aria-label": text.write, onchange: save }, h("option", { value: "" }, text.write), Object.keys(WRITERS).map((kind) => h("option", { value: kind }, text.files[kind])));

	async function take() {
		const [file] = input.files;
		input.value = "";
		const found = file.type.startsWith("image/") ? await coloursOfPicture(file) : file.size > LARGEST_FILE ? [] : coloursOfFile(new Uint8Array(await file.arrayBuffer()));
		if (found.length < 2 || found.length > MOST) return toast(text.pasteFound(found.length, 2, MOST));
		set(found);
		toast(text.pasteFound(found.length, 2, MOST));
	}

	function save() {
		const kind = write.value;
		write.value = "";
		if (kind) saveFile(new Blob([WRITERS[kind](text.fileName, get().colours)]), `${text.fileName}.${kind}`);
	}

	/** Takes as many colours from the picture as the palette has; locked ones stay in place. */
	async function fromPicture() {
		const { colours, locked } = get();
		try {
			const { palette } = await api.facts(store.source, { algorithm: "none", palette: `adaptive:${colours.length}`, width: Math.min(store.source.width, 800) });
			const fresh = palette.map(({ hex }) => hex).filter((hex) => !locked.has(hex));
			set(colours.map((colour) => (locked.has(colour) ? colour : (fresh.shift() ?? colour))));
		} catch (error) {
			if (!(error instanceof ApiError)) throw error;
			toast(error.message);
		}
	}

	const button = (label, onclick) => h("button.button.compact", { onclick }, label);
	return [h(".row", keep.button, button(text.fromPicture, fromPicture), button(text.read, () => input.click()), write, input), keep.form];
}

/** Each colour once, in reading order; stops after more than MOST. */
async function coloursOfPicture(file) {
	const bitmap = await createImageBitmap(file).catch(() => null);
	if (!bitmap) return [];
	const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d");
	context.drawImage(bitmap, 0, 0);
	const { data } = context.getImageData(0, 0, bitmap.width, bitmap.height);
	const found = new Set();
	for (let i = 0; i < data.length && found.size <= MOST; i += 4) if (data[i + 3] > 0) found.add(toHex([data[i], data[i + 1], data[i + 2]]));
	return [...found];
}
