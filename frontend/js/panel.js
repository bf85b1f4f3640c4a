/** The settings: tabs of panes beside the picture, a sheet below it on a phone. */

import { createAdjust, createSize } from "./adjust.js";
import { createColours } from "./colours.js";
import { freshId, h, icon } from "./dom.js";
import { createLooks } from "./looks.js";
import { createMethod } from "./method.js";
import { strings } from "./strings.js";

const text = strings.panel;

export function createPanel(store, studio, swatches, { onsave }) {
  const panes = {
    looks: createLooks(store, studio, swatches),
    method: createMethod(store, studio, swatches),
    colours: createColours(store, studio),
    adjust: createAdjust(store, studio),
    size: createSize(store, studio),
  };
  const id = freshId("tab");
  const names = Object.keys(panes);
  const tabs = names.map((name) =>
    h("button", { type: "button", role: "tab", class: "tab", id: `${id}-${name}`, "aria-controls": `${id}-${name}-pane`, onclick: () => choose(name, true) }, icon(name), h("span", {}, text.tabs[name])),
  );
  for (const name of names) {
    panes[name].id = `${id}-${name}-pane`;
    panes[name].setAttribute("role", "tabpanel");
    panes[name].setAttribute("aria-labelledby", `${id}-${name}`);
    panes[name].setAttribute("tabindex", "0");
  }
  const list = h("div", { class: "tabs", role: "tablist", "aria-label": text.label }, tabs);
  const toggle = h("button", { type: "button", class: "sheet-toggle", onclick: () => open(element.classList.contains("closed")) }, h("span", { class: "handle", "aria-hidden": "true" }), h("span", { class: "sr-only" }));
  const body = h("div", { class: "panel-body" }, Object.values(panes));
  const save = h("button", { type: "button", class: "button primary wide", onclick: onsave }, icon("keep"), text.save);
  const element = h("section", { class: "panel", "aria-label": text.label }, toggle, list, body, h("div", { class: "panel-foot" }, save));
  let current = null;

  function choose(name, opening = false) {
    if (opening && current === name && element.classList.contains("closed")) open(true);
    if (opening) open(true);
    current = name;
    names.forEach((other, i) => {
      const chosen = other === name;
      tabs[i].setAttribute("aria-selected", String(chosen));
      tabs[i].tabIndex = chosen ? 0 : -1;
      panes[other].hidden = !chosen;
    });
    body.scrollTop = 0;
  }

  /** On a phone the sheet can be put away; on wider screens it is always there. */
  function open(yes) {
    element.classList.toggle("closed", !yes);
    toggle.lastChild.textContent = yes ? text.toggleClose : text.toggleOpen;
    toggle.setAttribute("aria-expanded", String(yes));
  }

  list.addEventListener("keydown", (event) => {
    const at = names.indexOf(current);
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: names.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const place = (to + names.length) % names.length;
    choose(names[place]);
    tabs[place].focus();
  });

  choose("looks");
  open(true);
  return { element, choose };
}
