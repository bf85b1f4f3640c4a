/** Puts the page together. */

import { announce } from "./announce.js";
import { api } from "./api.js";
import { Catalogue } from "./catalogue.js";
import { h, icon, iconButton, replace } from "./dom.js";
import { createFacts } from "./facts.js";
import { readFragment } from "./fragment.js";
import { createGallery } from "./gallery.js";
import { watchInput } from "./input.js";
import { notice } from "./notice.js";
import { createPanel } from "./panel.js";
import { createPreview } from "./preview.js";
import { isSample, sampleFile } from "./samples.js";
import { createSave } from "./save.js";
import { copyText } from "./saved.js";
import { createStage } from "./stage.js";
import { createStore } from "./store.js";
import { format, strings } from "./strings.js";
import { createStudio } from "./studio.js";
import { createSwatches } from "./swatches.js";
import { createThemeButton } from "./theme.js";
import { openStored } from "./versions.js";
import { createWelcome } from "./welcome.js";

const store = createStore({ catalogue: null, source: null, options: {}, result: null, busy: false, error: null, opening: false, view: null, online: navigator.onLine, exact: false, canUndo: false, canRedo: false });
const studio = createStudio(store);
const stage = createStage(store);
const preview = createPreview(store, stage.maxSize);
const swatches = createSwatches(store);
const save = createSave(store, studio);
const welcome = createWelcome(store, studio);
const panel = createPanel(store, studio, swatches, { onsave: save.open });
const facts = createFacts(store, studio);
const gallery = createGallery(store, studio);

const problem = h("div", { class: "stage-problem" });
const workbench = h("div", { class: "workbench" }, h("div", { class: "work" }, pictureBar(), stage.element, problem, facts), panel.element);
const main = h("main", { class: "studio", id: "studio", tabindex: "-1" }, welcome.element, workbench);
const links = {
  studio: h("a", { class: "nav-link", href: "#" }, strings.nav.studio),
  gallery: h("a", { class: "nav-link", href: "#gallery" }, strings.nav.gallery),
};
const offline = h("div", { class: "offline", role: "status", hidden: true }, icon("offline"), strings.offline.text);

replace(
  document.getElementById("app"),
  h("a", { class: "skip", href: "#studio", onclick: skip }, strings.skip),
  h(
    "header",
    { class: "top" },
    h("a", { class: "brand", href: "#" }, h("img", { src: "/icon.svg", alt: "", width: "28", height: "28" }), h("span", {}, strings.name)),
    h("nav", { class: "nav", "aria-label": strings.nav.label }, links.studio, links.gallery, h("a", { class: "nav-link wide-only", href: "/docs" }, strings.nav.api)),
    createThemeButton(),
  ),
  offline,
  main,
  gallery.element,
);

function skip(event) {
  event.preventDefault();
  (store.get("source") ? stage.element.querySelector(".viewport") : main).focus();
}

/** Name and size of the picture, and what one does with the whole of it. */
function pictureBar() {
  const name = h("h1", { class: "picture-name" });
  const size = h("span", { class: "soft small numbers" });
  const undo = iconButton("undo", strings.stage.undo, () => studio.undo());
  const redo = iconButton("redo", strings.stage.redo, () => studio.redo());
  const exact = h("button", { type: "button", class: "button compact exact-toggle", "aria-pressed": "false", title: strings.stage.exactHint, onclick: () => store.set({ exact: !store.get("exact") }) }, strings.stage.exact);
  store.on(["source", "result", "exact"], () => {
    const source = store.get("source");
    const result = store.get("result");
    name.textContent = source?.name ?? "";
    size.textContent = source?.bitmap ? format.dimensions(source.width, source.height) : "";
    exact.hidden = !source?.bitmap || (!store.get("exact") && (result?.whole ?? true));
    exact.setAttribute("aria-pressed", String(store.get("exact")));
  });
  store.on(["canUndo", "canRedo"], () => {
    undo.disabled = !store.get("canUndo");
    redo.disabled = !store.get("canRedo");
  });
  undo.disabled = redo.disabled = true;
  return h(
    "div",
    { class: "picture-bar" },
    h("button", { type: "button", class: "button plain compact", onclick: welcome.pick, "aria-label": strings.stage.change, title: strings.stage.change }, icon("upload")),
    h("div", { class: "picture-title" }, name, size),
    exact,
    undo,
    redo,
    iconButton("reset", strings.stage.reset, () => studio.reset()),
    iconButton("link", strings.stage.share, share),
  );
}

function share() {
  studio.writeAddress();
  copyText(window.location.href);
}

function showView() {
  const view = store.get("view");
  const working = store.get("source") !== null;
  main.hidden = view !== "studio";
  gallery.element.hidden = view !== "gallery";
  welcome.element.hidden = working;
  workbench.hidden = !working;
  document.body.dataset.view = view === "gallery" ? "gallery" : working ? "work" : "welcome";
  for (const [name, link] of Object.entries(links)) {
    if (name === view) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.title = view === "gallery" ? `${strings.gallery.heading} – ${strings.name}` : strings.title;
}
store.on(["view", "source"], showView);
store.on(["view"], () => {
  if (store.get("view") === "gallery") gallery.refresh();
  else studio.writeAddress();
});
store.on(["error"], () => {
  const failure = store.get("source") && store.get("error");
  const other = failure?.error?.kind === "refused" ? { label: strings.errors.reset, run: () => studio.reset() } : null;
  replace(problem, failure ? notice(failure.sentence, { ...failure, other, dismiss: failure.retry ? null : () => store.set({ error: null }) }) : null);
});
store.on(["result"], () => store.get("result") && announce(strings.stage.updated(store.get("result").colours)));
store.on(["online"], () => {
  offline.hidden = store.get("online");
  if (store.get("online")) announce(strings.offline.back);
});
for (const name of ["online", "offline"]) window.addEventListener(name, () => store.set({ online: navigator.onLine }));

watchInput(store, studio);

/** Follows the address: the gallery, or options and a picture from a link. */
async function readAddress() {
  const catalogue = store.get("catalogue");
  const { view, picture, options } = readFragment(window.location.hash, catalogue?.fields ?? {});
  store.set({ view });
  if (view === "gallery" || !catalogue) return;
  const source = store.get("source");
  const same = source && (picture.image ?? null) === source.uuid && (picture.sample ?? null) === source.sample;
  if (Object.keys(options).length > 0 || !source) studio.begin(options);
  if (same) return;
  try {
    if (picture.image) await openStored(await api.image(picture.image), null, studio);
    else if (isSample(picture.sample)) await studio.open(await sampleFile(picture.sample), { sample: picture.sample });
  } catch (error) {
    store.set({ error: { sentence: error.message, error, retry: readAddress } });
  }
}
window.addEventListener("hashchange", readAddress);

async function loadCatalogue() {
  try {
    const catalogue = new Catalogue(await api.options());
    store.set({ error: null, catalogue });
    await readAddress();
    preview.refresh();
  } catch (error) {
    if (!error.kind) throw error;
    store.set({ error: { sentence: error.message, error, retry: loadCatalogue } });
  }
}

offline.hidden = navigator.onLine;
store.set({ view: readFragment(window.location.hash, {}).view });
showView();
loadCatalogue();
