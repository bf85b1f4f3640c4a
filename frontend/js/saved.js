/** A finished version: its picture, its link, copies and downloads. */

import { api, fileUrl, isPicture } from "./api.js";
import { h, icon } from "./dom.js";
import { saveFile } from "./download.js";
import { fileName } from "./filename.js";
import { lookOf } from "./presets.js";
import { format, save as text, stage } from "./strings.js";
import { announce, toast } from "./messages.js";

const PLAIN = /^(png|gif|webp)$/;

export function createResult(image, dither, catalogue) {
	const { url_dither: url, width, bytes } = dither;
	const link = h("input.input.code", { readonly: true, value: url, "aria-label": text.link, onfocus: () => link.select() });
	return h(
		".result",
		isPicture(url) && h("a.result-frame", { href: url, target: "_blank", rel: "noopener" }, h("img.result-picture", { src: fileUrl(url), alt: `${stage.dithered}: ${image.filename}` })),
		h("p.soft.small.numbers", [width && format.dimensions(dither), bytes && format.bytes(bytes)].filter(Boolean).join(" · ")),
		h(".row.nowrap", link, h("button.button", { onclick: () => copyText(url, link) }, icon("link"), text.copyLink)),
		h(
			".row.downloads",
			{ role: "group", "aria-label": text.downloads },
			catalogue.formats.filter(({ name }) => PLAIN.test(name) || name === dither.options.format).map((entry) => downloadButton(image, dither, catalogue, entry)),
			window.ClipboardItem && h("button.button", { onclick: () => copyPicture(url) }, icon("copy"), text.copyPicture),
		),
	);
}

/** The service makes a format other than the stored one on request. */
function downloadButton(image, dither, catalogue, { name, suffix, title }) {
	const button = h("button.button", { "aria-label": text.download(title), onclick: get }, icon("save"), title);
	async function get() {
		button.disabled = true;
		announce(text.making(title));
		try {
			const { format, ...options } = dither.options;
			const blob = await api.blob(`/dithers/${image.uuid}/${dither.dither_id}?format=${name}`);
			saveFile(blob, fileName(image.filename, lookOf(catalogue, catalogue.sparse(options)), suffix));
		} catch (error) {
			toast(error.message);
		} finally {
			button.disabled = false;
		}
	}
	return button;
}

/** `field`: the field from which the user can copy by hand if the browser blocks the clipboard. */
export async function copyText(value, field = null) {
	try {
		await navigator.clipboard.writeText(value);
		toast(text.copiedLink);
	} catch {
		field?.select();
		toast(text.cannotCopy);
	}
}

async function copyPicture(url) {
	try {
		await navigator.clipboard.write([new ClipboardItem({ "image/png": api.blob(url).then(asPng) })]);
		toast(text.copiedPicture);
	} catch {
		toast(text.cannotCopy);
	}
}

async function asPng(blob) {
	const bitmap = await createImageBitmap(blob);
	const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
	canvas.getContext("2d").drawImage(bitmap, 0, 0);
	return canvas.convertToBlob();
}
