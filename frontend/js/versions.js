/** A stored picture with all its dithers; from here a new one begins. */

import { api } from "./api.js";
import { openDialog } from "./dialog.js";
import { h, icon } from "./dom.js";
import { notice } from "./notice.js";
import { createResult } from "./saved.js";
import { format, strings } from "./strings.js";
import { toast } from "./toasts.js";

const text = strings.gallery;

export function openVersions(image, store, studio, remove) {
  const catalogue = store.get("catalogue");
  const versions = [...image.dithers].reverse();
  const close = () => dialog.close();
  const edit = (options) => {
    close();
    openStored(image, options, studio);
  };
  const dialog = openDialog(
    image.filename,
    [
      h("p", { class: "soft small numbers" }, `${format.dimensions(image.width, image.height)} · ${format.bytes(image.bytes)} · ${format.when(image.created_at)} · `, h("a", { href: image.url, target: "_blank", rel: "noopener" }, text.original)),
      h("ul", { class: "versions" }, versions.map((dither) => version(image, dither, catalogue, edit))),
      h(
        "div",
        { class: "row" },
        h("button", { type: "button", class: "button primary", onclick: () => edit(versions[0]?.options ?? {}) }, icon("plus"), text.newDither),
        h("span", { class: "grow" }),
        h("button", { type: "button", class: "button danger", onclick: () => (close(), remove(image)) }, icon("bin"), text.remove),
      ),
    ],
    { kind: "wide" },
  );
}

function version(image, dither, catalogue, edit) {
  const heading = h("div", { class: "row" }, h("h3", { class: "grow" }, summary(dither, catalogue)), h("button", { type: "button", class: "button compact", onclick: () => edit(dither.options ?? {}) }, text.edit));
  const state = { done: () => createResult(image, dither, catalogue), failed: () => notice(dither.reason || text.failed), queued: () => h("p", { class: "row" }, h("span", { class: "spinner" }), text.working) };
  return h("li", { class: "version" }, heading, state[dither.status]());
}

/** "Floyd–Steinberg, Game Boy", from the catalogue's titles. */
function summary(dither, catalogue) {
  const options = { channels: dither.channels, ...dither.options };
  const algorithm = catalogue.value(options, "algorithm");
  const palette = catalogue.value(options, "palette");
  const named = Array.isArray(palette) ? strings.colours.edited(palette.length) : (catalogue.palette(palette)?.title ?? paletteText(palette, options.channels));
  return `${catalogue.algorithm(algorithm)?.title || strings.method.custom}, ${named}`;
}

function paletteText(palette, channels) {
  if (palette === "gray") return strings.colours.summary.gray(channels);
  return palette === "channels" ? strings.colours.summary.channels(channels) : strings.colours.edited(palette.split(":")[1]);
}

/** Opens a stored picture in the studio. `options` null: those that are there stay. */
export async function openStored(image, options, studio) {
  try {
    const blob = await api.blob(image.url);
    const file = new File([blob], image.filename, { type: image.content_type });
    await studio.open(file, { uuid: image.uuid });
    if (options) studio.use(options);
    return true;
  } catch (error) {
    toast(error.message);
    return false;
  }
}
