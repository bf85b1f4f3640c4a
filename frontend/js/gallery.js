/** What is stored: newest first, more as one scrolls. */

import { announce } from "./messages.js";
import { api, fileUrl } from "./api.js";
import { deleteLater, isLeaving } from "./deletion.js";
import { h, icon, iconButton, replace } from "./dom.js";
import { follow } from "./follow.js";
import { notice } from "./notice.js";
import { format, gallery as text } from "./strings.js";
import { openVersions } from "./versions.js";

const PAGE = 24;

export function createGallery(store, studio) {
	const grid = h("ul.cards");
	const foot = h(".gallery-foot");
	const element = h("main.gallery", { tabindex: "-1" }, h("h1.gallery-title", text.heading), grid, foot);
	const cards = new Map(); // uuid → card
	let cursor = null;
	let loading = null; // the list that is being loaded: a stale answer is not for it

	const nearEnd = new IntersectionObserver(([{ isIntersecting }]) => isIntersecting && cursor && load(), { rootMargin: "600px" });

	/** Starts over: what was saved since comes first. */
	function refresh() {
		for (const card of cards.values()) card.stop();
		cards.clear();
		grid.replaceChildren();
		cursor = loading = null;
		load();
	}

	async function load() {
		if (loading) return;
		const mine = {};
		loading = mine;
		replace(foot, h("span.spinner"), h("span.soft", text.loading));
		try {
			const page = await api.images({ cursor, limit: PAGE });
			if (loading !== mine) return;
			for (const image of page.items) if (!cards.has(image.uuid) && !isLeaving(image.uuid)) add(image);
			cursor = page.next_cursor;
			announce(text.shown(cards.size));
			end();
		} catch (error) {
			if (loading === mine) replace(foot, notice(error, { retry: load }));
		} finally {
			if (loading === mine) loading = null;
		}
	}

	function end() {
		// Observed anew, so that a foot which stayed in sight is told of once more.
		nearEnd.unobserve(foot);
		nearEnd.observe(foot);
		if (cursor) replace(foot, h("button.button", { onclick: load }, text.more));
		else if (cards.size > 0) replace(foot, h("p.soft", text.end));
		else replace(foot, h(".empty", icon("picture"), h("h2", text.empty), h("p.soft", text.emptyHint), h("a.button.primary", { href: "#" }, text.start)));
	}

	function add(image) {
		const card = createCard(image, (current) => openVersions(current, store, studio, remove), remove);
		cards.set(image.uuid, card);
		grid.append(card.element);
	}

	function remove(image) {
		const card = cards.get(image.uuid);
		const next = card.element.nextElementSibling ?? card.element.previousElementSibling;
		card.element.hidden = true;
		(next?.querySelector("button") ?? element).focus();
		deleteLater(image, {
			undone() {
				card.element.hidden = false;
				card.element.querySelector("button").focus();
			},
			deleted() {
				card.stop();
				card.element.remove();
				cards.delete(image.uuid);
				if (cards.size === 0) end();
			},
		});
	}

	return { element, refresh };
}

/** One picture: its newest finished version, or how far it is. Pictures still at work are followed. */
function createCard(image, open, remove) {
	const frame = h("span.card-frame");
	const about = h("span.soft.small.numbers");
	const button = h("button.card-open", { onclick: () => open(image) }, frame, h("span.card-text", h("span.card-name", { title: image.filename }, image.filename), about));
	const element = h("li.card", button, iconButton("bin", `${text.remove}: ${image.filename}`, () => remove(image), "compact.card-remove"));
	let stop = () => {};

	/** → whether there is more to come. */
	function show(current) {
		image = current;
		const done = image.dithers.filter(({ status }) => status === "done");
		const working = image.status === "uploaded" || image.dithers.some(({ status }) => status === "queued");
		about.textContent = `${text.dithers(done.length)} · ${format.when(image.created_at)}`;
		const picture = h("img", { src: fileUrl(done.at(-1)?.url_dither ?? image.url), alt: "", loading: "lazy", decoding: "async" });
		const state = h("span.card-state", working ? [h("span.spinner"), text.working] : text.failed);
		replace(frame, picture, done.length === 0 && state);
		return working;
	}

	if (show(image)) stop = follow(image.uuid, (current) => !show(current) && stop(), () => element.remove());
	return { element, stop: () => stop() };
}
