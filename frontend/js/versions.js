/** A stored picture with all its dithers. */

import { api } from "./api.js";
import { openDialog } from "./dialog.js";
import { button, h, icon } from "./dom.js";
import { notice } from "./notice.js";
import { createResult } from "./saved.js";
import * as strings from "./strings.js";
import { toast } from "./messages.js";

const text = strings.gallery;

export function openVersions(image, { catalogue }, studio, remove) {
	const versions = image.dithers.toReversed();
	const edit = (options = {}) => {
		dialog.close();
		openStored(image.uuid, studio, options).catch((error) => toast(error.message));
	};
	const { dimensions, bytes, when, until } = strings.format;
	const about = [dimensions(image), bytes(image.bytes), when(image.created_at), until(image.expires_at)].filter(Boolean).join(" · ");
	const dialog = openDialog(
		image.filename,
		[
			h("p.soft.small.numbers", about, " · ", h("a", { href: image.url, target: "_blank", rel: "noopener" }, text.original)),
			h("ul.versions", versions.map((dither) => version(image, dither, catalogue, edit))),
			h(
				".row",
				h("button.button.primary", { onclick: () => edit(versions[0]?.options) }, icon("plus"), text.newDither),
				h("span.grow"),
				h("button.button.danger", { onclick: () => (dialog.close(), remove(image)) }, icon("bin"), text.remove),
			),
		],
		{ kind: "wide" },
	);
}

function version(image, dither, catalogue, edit) {
	const states = {
		done: () => createResult(image, dither, catalogue),
		failed: () => notice(new Error(dither.reason || text.failed)),
		queued: () => h("p.row", h("span.spinner"), text.working),
	};
	const head = h(".row.nowrap", h("h3.grow", summary(dither, catalogue)), button(text.edit, () => edit(dither.options)));
	return h("li.version", head, states[dither.status]());
}

/** "Floyd–Steinberg, Game Boy", from the catalogue's titles. */
function summary({ channels, options }, catalogue) {
	const colours = strings.colours;
	const palette = catalogue.value(options, "palette");
	const computed = { gray: () => colours.greyLevels(channels), channels: () => colours.channelLevels(channels) };
	const named = Array.isArray(palette) ? colours.edited(palette.length) : (catalogue.palette(palette)?.title ?? computed[palette]?.() ?? colours.edited(palette.split(":")[1]));
	const algorithm = catalogue.value(options, "algorithm");
	return `${catalogue.algorithm(algorithm)?.title ?? strings.titleOf(algorithm, {})}, ${named}`;
}

/** Opens a stored picture; without `options`, the current ones stay. */
export async function openStored(uuid, studio, options = null) {
	const shown = await studio.open(storedFile(uuid), { uuid });
	if (shown && options) studio.use(options);
}

/** The original; for others than its owner, who only have a link, the newest dither. */
async function storedFile(uuid) {
	const { url, filename, dithers } = await api.image(uuid);
	const blob = await api.blob(url ?? dithers.findLast((dither) => dither.url_dither).url_dither);
	return new File([blob], filename ?? uuid, { type: blob.type });
}
