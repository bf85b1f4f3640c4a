/**
 * The fragment of the page's URL: `#algorithm=bayer-8&palette=000000,ffffff&scale=2` restores the
 * options, `sample=` or `image=` also the picture, and `#gallery` shows the gallery.
 */

const PICTURE = ["image", "sample"];
const GALLERY = "gallery";

/** @returns {{view: "studio"|"gallery", picture: object, options: object}} */
export function readFragment(hash, fields) {
	const text = hash.replace(/^#/, "");
	if (text === GALLERY) return { view: GALLERY, picture: {}, options: {} };
	const picture = {};
	const options = {};
	for (const [key, value] of new URLSearchParams(text)) {
		if (PICTURE.includes(key)) picture[key] = value;
		else if (Object.hasOwn(fields, key)) {
			const parsed = parse(value, key, fields[key]);
			if (parsed !== null) options[key] = parsed;
		}
	}
	return { view: "studio", picture, options };
}

/** `options` in sparse form. */
export function writeFragment(picture, options) {
	const pairs = new URLSearchParams();
	for (const key of PICTURE) if (picture[key]) pairs.set(key, picture[key]);
	for (const [key, value] of Object.entries(options)) pairs.set(key, format(key, value));
	// These characters are allowed in a fragment, and are easier to read unescaped.
	return `#${pairs.toString().replaceAll("%2C", ",").replaceAll("%3A", ":")}`;
}

function format(key, value) {
	if (key === "palette" && Array.isArray(value)) return value.join().replaceAll("#", "");
	return typeof value === "object" ? JSON.stringify(value) : String(value).replace(/^#/, "");
}

/** The option's value, or null if the text is not valid: people type links and cut them off. */
function parse(text, key, { type, values, min = -Infinity, max = Infinity }) {
	if (key === "palette") return parsePalette(text);
	if (key === "background") return parseHex(text);
	if (type === "string") return !values || values.includes(text) ? text : null;
	try {
		const value = JSON.parse(text);
		if (typeof value !== "number") return type.includes(Array.isArray(value) ? "array" : typeof value) ? value : null;
		if (type.includes("integer")) return Math.round(Math.min(Math.max(value, min), max));
		return type.includes("number") ? Math.min(Math.max(value, min), max) : null;
	} catch {
		return text === "auto" && type.includes("string") ? text : null;
	}
}

function parsePalette(text) {
	if (!text.includes(",")) return text || null;
	const colours = text.split(",").map((both) => both.split("=").map(parseHex));
	return colours.flat().includes(null) ? null : colours.map((both) => both.join("="));
}

/** The hex code of red, green and blue, each 0 to 255. */
export function toHex(rgb) {
	return `#${rgb.map((value) => value.toString(16).padStart(2, "0")).join("")}`;
}

/** `#abc`, `abc`, `AABBCC` → `#aabbcc`; null for anything else. */
export function parseHex(text) {
	const match = /^#?([0-9a-f]{6}|[0-9a-f]{3})$/i.exec(text.trim());
	if (!match) return null;
	const digits = match[1].toLowerCase();
	return `#${digits.length === 3 ? [...digits].map((digit) => digit + digit).join("") : digits}`;
}
