/** What is stored: newest first, more as one scrolls. */

import { announce } from "./announce.js";
import { api, fileUrl } from "./api.js";
import { deleteLater, isLeaving } from "./deletion.js";
import { h, icon, iconButton, replace } from "./dom.js";
import { follow } from "./follow.js";
import { notice } from "./notice.js";
import { format, strings } from "./strings.js";
import { openVersions } from "./versions.js";

const text = strings.gallery;
const PAGE = 24;

export function createGallery(store, studio) {
  const grid = h("ul", { class: "cards" });
  const foot = h("div", { class: "gallery-foot" });
  const more = h("button", { type: "button", class: "button", onclick: () => load() }, text.more);
  const element = h("main", { class: "gallery", tabindex: "-1" }, h("h1", { class: "gallery-title" }, text.heading), grid, foot);
  const cards = new Map(); // uuid → card
  let cursor = null;
  let loading = false;
  let shown = 0;

  const nearEnd = new IntersectionObserver(([{ isIntersecting }]) => isIntersecting && cursor && load(), { rootMargin: "600px" });

  /** Starts over: what was saved since comes first. */
  function refresh() {
    for (const card of cards.values()) card.stop();
    cards.clear();
    grid.replaceChildren();
    cursor = null;
    shown += 1;
    loading = false;
    load();
  }

  async function load() {
    if (loading) return;
    loading = true;
    const mine = shown;
    replace(foot, h("span", { class: "spinner" }), h("span", { class: "soft" }, text.loading));
    try {
      const page = await api.images({ cursor, limit: PAGE });
      if (mine !== shown) return;
      for (const image of page.items) if (!cards.has(image.uuid) && !isLeaving(image.uuid)) add(image);
      cursor = page.next_cursor;
      loading = false;
      announce(text.shown(cards.size));
      end();
    } catch (error) {
      if (mine === shown) replace(foot, notice(error.message, { error, retry: () => load() }));
    } finally {
      if (mine === shown) loading = false;
    }
  }

  function end() {
    // Observed anew, so that a foot which stayed in sight is told of once more.
    nearEnd.unobserve(foot);
    nearEnd.observe(foot);
    if (cursor) replace(foot, more);
    else if (cards.size > 0) replace(foot, h("p", { class: "soft" }, text.end));
    else
      replace(
        foot,
        h("div", { class: "empty" }, icon("picture"), h("h2", {}, text.empty), h("p", { class: "soft" }, text.emptyHint), h("a", { class: "button primary", href: "#" }, text.start)),
      );
  }

  function add(image) {
    const card = createCard(image, { open: (current) => openVersions(current, store, studio, remove), remove });
    cards.set(image.uuid, card);
    grid.append(card.element);
  }

  function remove(image) {
    const card = cards.get(image.uuid);
    const next = card?.element.nextElementSibling ?? card?.element.previousElementSibling;
    if (card) card.element.hidden = true;
    (next?.querySelector("button") ?? element).focus();
    deleteLater(image, {
      undone: () => {
        if (card) card.element.hidden = false;
        card?.element.querySelector("button").focus();
      },
      deleted: () => {
        card?.stop();
        card?.element.remove();
        cards.delete(image.uuid);
        if (cards.size === 0) end();
      },
    });
  }

  return { element, refresh };
}

/** One picture: its newest finished version, or how far it is. Pictures still at work are followed. */
function createCard(image, { open, remove }) {
  const frame = h("span", { class: "card-frame" });
  const name = h("span", { class: "card-name" });
  const about = h("span", { class: "soft small numbers" });
  const button = h("button", { type: "button", class: "card-open" }, frame, h("span", { class: "card-text" }, name, about));
  const element = h("li", { class: "card" }, button, iconButton("bin", `${text.remove}: ${image.filename}`, () => remove(image), { class: "compact card-remove" }));
  let stop = () => {};

  function show(current) {
    image = current;
    const done = current.dithers.filter((dither) => dither.status === "done");
    const newest = done.at(-1);
    const working = current.status === "uploaded" || current.dithers.some((dither) => dither.status === "queued");
    name.textContent = current.filename;
    about.textContent = `${text.dithers(done.length)} · ${format.when(current.created_at)}`;
    if (newest) replace(frame, picture(newest.url_dither, ""));
    else replace(frame, picture(current.url, "veiled"), h("span", { class: "card-state" }, working ? [h("span", { class: "spinner" }), text.working] : text.failed));
    return working;
  }

  button.addEventListener("click", () => open(image));
  if (show(image)) {
    stop = follow(
      image.uuid,
      (current) => !show(current) && stop(),
      () => element.remove(),
    );
  }
  return { element, stop: () => stop() };
}

function picture(url, kind) {
  return h("img", { src: fileUrl(url), alt: "", loading: "lazy", decoding: "async", class: kind });
}
