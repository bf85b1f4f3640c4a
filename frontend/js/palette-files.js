/**
 * Palettes as text: lists of hex codes or rgb(), GIMP (.gpl), JASC (.pal) and Paint.NET (.txt); and as
 * files of these and Adobe Swatch Exchange (.ase). Colours are lower-case `#rrggbb`. The service reads files.
 */

import { parseHex, toHex } from "./fragment.js";

/** Whole words; three digits only with a #, because "bad" and "add" are no colours. */
const HEX = /(?<![\w.#-])(?:#?[0-9a-f]{6}|#[0-9a-f]{3})(?![\w-])/gi;
const RGB = /rgba?\(\s*(\d+)(%?)[\s,]+(\d+)%?[\s,]+(\d+)%?[^)]*\)/gi;
const ROW = /^\s*(\d+)\s+(\d+)\s+(\d+)(?!\S)/; // "r g b name"
const ALPHA_FIRST = /^[0-9a-f]{8}$/i;

/** The colours in a text, in order. */
export function coloursIn(text) {
	return text.split(/\r?\n/).flatMap((line) => {
		if (line.trimStart().startsWith(";")) return []; // a comment of Paint.NET
		if (ALPHA_FIRST.test(line.trim())) return [`#${line.trim().slice(2).toLowerCase()}`];
		const functions = [...line.matchAll(RGB)];
		if (functions.length > 0) return functions.map(([, r, percent, g, b]) => toHex([r, g, b].map((value) => Math.min(255, Math.round(percent ? (value * 255) / 100 : value)))));
		const row = ROW.exec(line)?.slice(1).map(Number);
		if (row?.every((value) => value < 256)) return [toHex(row)];
		return (line.match(HEX) ?? []).map(parseHex);
	});
}

/** The palette's name in a lospec.com URL, or null. */
export function lospecName(text) {
	const slug = /lospec\.com\/palette-list\/([a-z0-9-]+)/i.exec(text)?.[1];
	return slug ? slug.replaceAll("-", " ") : null;
}

const rgbOf = (colour) => [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));
const lines = (...all) => `${all.flat().join("\n")}\n`;

/** Extension → (name, colours) → text or bytes. */
export const WRITERS = {
	hex: (_, colours) => lines(colours.map((colour) => colour.slice(1))),
	gpl: (name, colours) => lines("GIMP Palette", `Name: ${name}`, "#", colours.map((colour) => `${rgbOf(colour).map((value) => String(value).padStart(3)).join(" ")}\t${colour.slice(1)}`)),
	pal: (_, colours) => lines("JASC-PAL", "0100", colours.length, colours.map((colour) => rgbOf(colour).join(" "))).replaceAll("\n", "\r\n"),
	txt: (name, colours) => lines(`; ${name}`, "; Palette for Paint.NET", colours.map((colour) => `FF${colour.slice(1).toUpperCase()}`)),
	ase: (_, colours) => writeAse(colours),
};

function writeAse(colours) {
	const NAME = 7; // of "rrggbb" and a 0, in UTF-16
	const LENGTH = 2 + 2 * NAME + 4 + 12 + 2;
	const view = new DataView(new ArrayBuffer(12 + colours.length * (6 + LENGTH)));
	const letters = (at, text) => [...text].forEach((letter, i) => view.setUint8(at + i, letter.charCodeAt(0)));
	letters(0, "ASEF");
	view.setUint16(4, 1);
	view.setUint32(8, colours.length);
	colours.forEach((colour, i) => {
		const at = 12 + i * (6 + LENGTH);
		view.setUint16(at, 1);
		view.setUint32(at + 2, LENGTH);
		view.setUint16(at + 6, NAME);
		[...colour.slice(1)].forEach((letter, place) => view.setUint16(at + 8 + 2 * place, letter.charCodeAt(0)));
		const model = at + 8 + 2 * NAME;
		letters(model, "RGB ");
		rgbOf(colour).forEach((value, c) => view.setFloat32(model + 4 + 4 * c, value / 255));
	});
	return new Uint8Array(view.buffer);
}
