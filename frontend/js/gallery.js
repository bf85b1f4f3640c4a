/** The gallery of stored pictures: newest first, more are loaded while scrolling. */

import { announce } from "./messages.js";
import { api, fileUrl, isPicture } from "./api.js";
import { deleteLater, isLeaving } from "./deletion.js";
import { button, h, icon, iconButton, replace } from "./dom.js";
import { notice } from "./notice.js";
import { format, gallery as text } from "./strings.js";
import { openVersions } from "./versions.js";

const PAGE = 24;
const NEWEST = 100; // the most that the service returns at once
const POLL_MS = 2000;

export function createGallery(store, studio) {
	const grid = h("ul.cards");
	const foot = h(".gallery-foot");
	const element = h("main.gallery", { tabindex: "-1" }, h("h1.gallery-title", text.heading), grid, foot);
	const cards = new Map(); // uuid → card
	let cursor = null;
	let loading = null; // the current load: answers to an older one are ignored
	let timer = 0;

	const nearEnd = new IntersectionObserver(([{ isIntersecting }]) => isIntersecting && cursor && load(), { rootMargin: "600px" });

	/** Loads the list again, so that new pictures come first. */
	function refresh() {
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
			const page = await api.images({ limit: PAGE, ...(cursor && { cursor }) });
			if (loading !== mine) return;
			for (const image of page.items) if (!cards.has(image.uuid) && !isLeaving(image.uuid)) add(image);
			cursor = page.next_cursor;
			announce(text.shown(cards.size));
			end();
			watch();
		} catch (error) {
			if (loading === mine) replace(foot, notice(error, { retry: load }));
		} finally {
			if (loading === mine) loading = null;
		}
	}

	/**
	 * Polls while the gallery is shown and a picture in it is unfinished. Not one event stream for
	 * each: six would use up all the connections that a browser opens to a host.
	 */
	function watch() {
		clearTimeout(timer);
		const working = [...cards.values()].filter((card) => card.working);
		if (working.length > 0) timer = setTimeout(poll, POLL_MS, working);
	}

	async function poll(working) {
		if (element.hidden) return;
		try {
			const { items } = await api.images({ limit: NEWEST });
			for (const { uuid, show } of working) {
				const image = items.find((item) => item.uuid === uuid) ?? (await api.image(uuid).catch(({ kind }) => kind === "gone" && forget(uuid)));
				if (image) show(image);
			}
		} catch {
			// Try again at the next interval.
		}
		watch();
	}

	function forget(uuid) {
		cards.get(uuid)?.element.remove();
		cards.delete(uuid);
		if (cards.size === 0) end();
	}

	function end() {
		// Observe again: the observer reports changes only, and the foot may still be visible.
		nearEnd.unobserve(foot);
		nearEnd.observe(foot);
		if (cursor) replace(foot, button(text.more, load));
		else replace(foot, cards.size === 0 && h(".empty", icon("picture"), h("h2", text.empty), h("p.soft", text.emptyHint), h("a.button.primary", { href: "#" }, text.start)));
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
				if (!card.element.isConnected) return refresh(); // the list was rebuilt without the card
				card.element.hidden = false;
				card.element.querySelector("button").focus();
			},
			deleted: () => forget(image.uuid),
		});
	}

	return { element, refresh };
}

function createCard(image, open, remove) {
	const { uuid } = image;
	const frame = h("span.card-frame");
	const about = h("span.soft.small.numbers");
	const button = h("button.card-open", { onclick: () => open(image) }, frame, h("span.card-text", h("span.card-name", { title: image.filename }, image.filename), about));
	const element = h("li.card", button, iconButton("bin", `${text.remove}: ${image.filename}`, () => remove(image), "compact.card-remove"));
	const card = { uuid, element, show };

	function show(current) {
		image = current;
		const done = image.dithers.filter(({ status }) => status === "done");
		card.working = image.status === "uploaded" || image.dithers.some(({ status }) => status === "queued");
		about.textContent = `${text.dithers(done.length)} · ${format.when(image.created_at)}`;
		const shown = done.findLast(({ url_dither: url }) => isPicture(url))?.url_dither;
		const picture = h("img", { src: fileUrl(shown ?? image.url), alt: "", loading: "lazy", decoding: "async" });
		const state = h("span.card-state", card.working ? [h("span.spinner"), text.working] : text.failed);
		replace(frame, picture, done.length === 0 && state);
	}

	show(image);
	return card;
}
