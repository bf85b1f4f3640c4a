/** Builds the page from its parts. */

import { announce } from "./messages.js";
import { api } from "./api.js";
import { createBatch, createOpening } from "./batch.js";
import { Catalogue } from "./catalogue.js";
import { h, icon, replace } from "./dom.js";
import { createDownload } from "./download.js";
import { createFacts } from "./facts.js";
import { readFragment } from "./fragment.js";
import { createGallery } from "./gallery.js";
import { watchInput } from "./input.js";
import { noticeOf } from "./notice.js";
import { createPanel } from "./panel.js";
import { createPictureBar } from "./picture-bar.js";
import { createPreview } from "./preview.js";
import { createSave } from "./save.js";
import { createStage } from "./stage.js";
import { openSheet } from "./sheet.js";
import { watchShortcuts } from "./shortcuts.js";
import { Store } from "./store.js";
import * as strings from "./strings.js";
import { createStudio } from "./studio.js";
import { createSwatches } from "./swatches.js";
import { unsaved } from "./unsaved.js";
import { openStored } from "./versions.js";
import { createWelcome, openSample, SAMPLES } from "./welcome.js";

const { title } = document;
const store = new Store({ catalogue: null, source: null, options: {}, result: null, overview: null, facts: null, error: null, online: true });
const studio = createStudio(store);
const stage = createStage(store);
createPreview(store, stage.missing);
const batch = createBatch(store, studio);
const openAll = createOpening(studio, batch);
const welcome = createWelcome(store, studio, openAll);
const gallery = createGallery(store, studio);
const download = createDownload(store, studio);
const keep = createSave(store, studio);
const foot = [download.element, h("button.button.wide", { onclick: keep, "aria-label": strings.panel.keep }, icon("keep"), h("span", strings.panel.keep))];

const problem = h(".stage-problem");
const workbench = h(
	".workbench",
	h(".work", createPictureBar(store, studio, welcome.pick), stage.element, batch.element, problem, createFacts(store, studio)),
	createPanel(store, studio, createSwatches(store), foot),
);
const main = h("main.studio", { id: "studio", tabindex: "-1" }, welcome.element, workbench);
const links = {
	studio: h("a.nav-link", { href: "#" }, strings.nav.studio),
	gallery: h("a.nav-link", { href: "#gallery" }, strings.nav.gallery),
};
const offline = h(".offline", { role: "status" }, icon("offline"), strings.offline.text);

replace(
	document.getElementById("app"),
	h("a.skip", { href: "#studio", onclick: skip }, strings.skip),
	h(
		"header.top",
		h("a.brand", { href: "#", "aria-label": strings.name }, h("img", { src: "icon.svg", alt: "", width: 28, height: 28 }), h("span", strings.name)),
		h("nav.nav", { "aria-label": strings.nav.label }, Object.values(links), h("a.nav-link.wide-only", { href: "docs" }, strings.nav.api)),
		h("button.button.plain.square.keys-button", { "aria-label": strings.shortcuts.heading, title: strings.shortcuts.heading, onclick: () => showKeys() }, "?"),
	),
	offline,
	main,
	gallery.element,
);

function skip(event) {
	event.preventDefault();
	(store.source ? stage.element.querySelector(".viewport") : main).focus();
}

function showView() {
	const isGallery = store.view === "gallery";
	main.hidden = isGallery;
	gallery.element.hidden = !isGallery;
	welcome.element.hidden = store.source !== null;
	workbench.hidden = store.source === null;
	document.body.dataset.view = isGallery ? "gallery" : store.source ? "work" : "welcome";
	for (const [name, link] of Object.entries(links)) link.ariaCurrent = name === store.view ? "page" : null;
	document.title = isGallery ? `${strings.gallery.heading} – ${strings.name}` : title;
}

function showError() {
	const reset = store.error?.error?.kind === "refused" && { label: strings.stage.reset, run: studio.reset };
	replace(problem, store.source && noticeOf(store, reset));
}

function showOnline() {
	store.set({ online: navigator.onLine });
	offline.hidden = store.online;
}

store.on(["view", "source"], showView);
store.on(["view"], () => (store.view === "gallery" ? gallery.refresh() : studio.writeAddress()));
store.on(["error", "source"], showError);
store.on(["facts"], () => store.facts && announce(strings.stage.updated(store.facts.colours)));
store.on(["online"], () => store.online && announce(strings.offline.back));
for (const name of ["online", "offline"]) window.addEventListener(name, showOnline);
window.addEventListener("hashchange", readAddress);
watchInput(store, studio, openAll);
const showKeys = watchShortcuts(store, {
	...stage.zoomKeys,
	c: stage.nextMode,
	d: download.run,
	k: keep,
	l: stage.toggleLoupe,
	o: welcome.pick,
	s: () => openSheet(store),
});

/** Shows what the address asks for: the gallery, or a picture with options. */
async function readAddress() {
	const { catalogue, source } = store;
	const { view, picture, options } = readFragment(window.location.hash, catalogue?.fields ?? {});
	store.set({ view });
	if (view === "gallery" || !catalogue) return;
	if (Object.keys(options).length > 0 || !source) studio.begin(options);
	const { image = null, sample = null } = picture;
	if (source && image === source.uuid && sample === source.sample) return;
	try {
		if (image) await openStored(image, studio);
		else if (SAMPLES.includes(sample)) await openSample(sample, studio);
		else if (!source) await openUnsaved();
	} catch (error) {
		fail(error, readAddress);
	}
}

/** Opens the picture that was on the stage before the page was reloaded. */
async function openUnsaved() {
	const file = await unsaved();
	if (file && !store.source && !store.opening) await studio.open(file);
}

function fail(error, retry) {
	if (!error.kind) throw error;
	store.set({ error: { error, retry } });
}

async function loadCatalogue() {
	try {
		store.set({ catalogue: new Catalogue(...(await Promise.all([api.options(), api.looks()]))), error: null });
		await readAddress();
	} catch (error) {
		fail(error, loadCatalogue);
	}
}

showOnline();
store.set({ view: readFragment(window.location.hash, {}).view });
loadCatalogue();
