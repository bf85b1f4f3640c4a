/** A finished version: its picture, its link, copies and downloads. */

import { announce } from "./announce.js";
import { api, fileUrl } from "./api.js";
import { h, icon } from "./dom.js";
import { follow } from "./follow.js";
import { format, strings } from "./strings.js";
import { toast } from "./toasts.js";

const text = strings.save;

export function createResult(image, dither, catalogue) {
  const link = h("input", { type: "text", class: "input code", readonly: true, value: dither.url_dither, "aria-label": text.link, onfocus: () => link.select() });
  const copyLink = h("button", { type: "button", class: "button", onclick: () => copyText(dither.url_dither, link) }, icon("link"), text.copyLink);
  const picture = h("img", { class: "result-picture", src: fileUrl(dither.url_dither), alt: `${strings.stage.dithered}: ${image.filename}` });
  const about = [dither.width && format.dimensions(dither.width, dither.height), dither.bytes && format.bytes(dither.bytes)].filter(Boolean).join(" · ");
  return h(
    "div",
    { class: "result" },
    h("a", { href: dither.url_dither, target: "_blank", rel: "noopener", class: "result-frame" }, picture),
    h("p", { class: "soft small numbers" }, about),
    h("div", { class: "row nowrap" }, link, copyLink),
    h(
      "div",
      { class: "row", role: "group", "aria-label": text.downloads },
      catalogue.formats.map((entry) => downloadButton(image, dither, entry)),
      window.ClipboardItem && h("button", { type: "button", class: "button", onclick: () => copyPicture(dither.url_dither) }, icon("copy"), text.copyPicture),
    ),
  );
}

/** The format it was saved in is there already; another is asked of the service, as one more version. */
function downloadButton(image, dither, { name, title }) {
  const label = strings.values[name] ?? title;
  const button = h("button", { type: "button", class: "button", "aria-label": text.download(label) }, icon("save"), label);
  button.addEventListener("click", async () => {
    button.disabled = true;
    announce(text.making(label));
    try {
      const own = (dither.options?.format ?? "png") === name;
      const url = own ? dither.url_dither : await otherFormat(image.uuid, dither, name);
      download(await api.blob(url), `${stem(image.filename)}-dithered.${name}`);
    } catch (error) {
      toast(error.message);
    } finally {
      button.disabled = false;
    }
  });
  return button;
}

async function otherFormat(uuid, dither, name) {
  const { channels: _, ...options } = dither.options ?? {};
  const asked = await api.addDither(uuid, dither.channels, { ...options, format: name });
  return new Promise((resolve, reject) => {
    const stop = follow(
      uuid,
      (image) => {
        const made = image.dithers.find((entry) => entry.dither_id === asked.dither_id);
        if (made?.status !== "done" && made?.status !== "failed") return;
        stop();
        if (made.status === "done") resolve(made.url_dither);
        else reject(new Error(made.reason || text.failed));
      },
      () => reject(new Error(text.goneMeanwhile)),
    );
  });
}

function download(blob, name) {
  const url = URL.createObjectURL(blob);
  h("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

function stem(filename) {
  return filename.replace(/\.[^.]{1,5}$/, "") || "picture";
}

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
    const png = api.blob(url).then(asPng);
    await navigator.clipboard.write([new ClipboardItem({ "image/png": png })]);
    toast(text.copiedPicture);
  } catch {
    toast(text.cannotCopy);
  }
}

async function asPng(blob) {
  if (blob.type === "image/png") return blob;
  const bitmap = await createImageBitmap(blob);
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  canvas.getContext("2d").drawImage(bitmap, 0, 0);
  return canvas.convertToBlob({ type: "image/png" });
}
