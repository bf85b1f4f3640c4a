/** A finished version: its picture, its link, copies and downloads. */

import { api, fileUrl } from "./api.js";
import { h, icon } from "./dom.js";
import { follow } from "./follow.js";
import { format, save as text, stage, titleOf, values } from "./strings.js";
import { announce, toast } from "./messages.js";

export function createResult(image, dither, catalogue) {
	const { url_dither: url, width, bytes } = dither;
	const link = h("input.input.code", { readonly: true, value: url, "aria-label": text.link, onfocus: () => link.select() });
	return h(
		".result",
		h("a.result-frame", { href: url, target: "_blank", rel: "noopener" }, h("img.result-picture", { src: fileUrl(url), alt: `${stage.dithered}: ${image.filename}` })),
		h("p.soft.small.numbers", [width && format.dimensions(dither), bytes && format.bytes(bytes)].filter(Boolean).join(" · ")),
		h(".row.nowrap", link, h("button.button", { onclick: () => copyText(url, link) }, icon("link"), text.copyLink)),
		h(
			".row.downloads",
			{ role: "group", "aria-label": text.downloads },
			catalogue.formats.map(({ name }) => downloadButton(image, dither, name, titleOf(name, values))),
			window.ClipboardItem && h("button.button", { onclick: () => copyPicture(url) }, icon("copy"), text.copyPicture),
		),
	);
}

/** Another format than it was saved in is asked of the service, as one more version. */
function downloadButton(image, dither, name, label) {
	const button = h("button.button", { "aria-label": text.download(label), onclick: get }, icon("save"), label);
	async function get() {
		button.disabled = true;
		announce(text.making(label));
		try {
			const isOwn = (dither.options.format ?? "png") === name;
			const url = isOwn ? dither.url_dither : await otherFormat(image.uuid, dither, name);
			download(await api.blob(url), `${stem(image.filename)}-dithered.${name}`);
		} catch (error) {
			toast(error.message);
		} finally {
			button.disabled = false;
		}
	}
	return button;
}

async function otherFormat(uuid, dither, name) {
	const { channels: _, ...options } = dither.options;
	const asked = await api.addDither(uuid, dither.channels, { ...options, format: name });
	return new Promise((resolve, reject) => {
		const look = ({ dithers }) => {
			const made = dithers.find((entry) => entry.dither_id === asked.dither_id);
			if (!made || made.status === "queued") return;
			stop();
			if (made.status === "done") resolve(made.url_dither);
			else reject(new Error(made.reason || text.failed));
		};
		const stop = follow(uuid, look, () => reject(new Error(text.goneMeanwhile)));
	});
}

function download(blob, name) {
	const href = URL.createObjectURL(blob);
	h("a", { href, download: name }).click();
	setTimeout(() => URL.revokeObjectURL(href), 60_000);
}

function stem(filename) {
	return filename.replace(/\.[^.]{1,5}$/, "") || "picture";
}

/** `field`: where it can be copied by hand if the browser allows nothing else. */
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
