/** A palette one can change: choose a colour, then change, move or remove it; paste a list of hex codes. */

import { announce } from "./announce.js";
import { freshId, h, iconButton, replace, setStyle } from "./dom.js";
import { parseHex } from "./fragment.js";
import { strings } from "./strings.js";
import { toast } from "./toasts.js";

const text = strings.colours;
const FEWEST = 2;
const MOST = 256;

/** `onchange(colours)`: lower-case `#rrggbb`, in order. */
export function createPaletteEditor(onchange) {
  let colours = [];
  let chosen = 0;

  const chips = h("div", { class: "chips", role: "listbox", "aria-label": text.editor, "aria-orientation": "horizontal", tabindex: "0" });
  const count = h("span", { class: "soft small" });
  const well = h("input", { type: "color", class: "well", "aria-label": text.editor });
  const code = h("input", { type: "text", class: "input code", maxlength: "7", spellcheck: "false", autocomplete: "off", "aria-label": text.hex });
  const earlier = iconButton("left", text.earlier, () => shift(-1), { class: "compact" });
  const later = iconButton("right", text.later, () => shift(1), { class: "compact" });
  const remove = iconButton("bin", text.remove, drop, { class: "compact" });
  const add = iconButton("plus", text.add, insert, { class: "compact" });
  const paste = createPaste(send, () => colours);
  const element = h(
    "div",
    { class: "editor" },
    h("div", { class: "row" }, h("h2", { class: "grow" }, text.editor), count),
    chips,
    h("div", { class: "row nowrap edit-row" }, well, code, h("span", { class: "grow" }), earlier, later, remove, add),
    h("div", { class: "row" }, h("button", { type: "button", class: "button compact", onclick: sort }, text.sort), paste.buttons),
    paste.element,
  );

  function draw() {
    chosen = Math.min(chosen, Math.max(0, colours.length - 1));
    const id = chips.id || (chips.id = freshId("chips"));
    replace(chips, colours.map((colour, i) => {
      const chip = h("span", { class: "chip", role: "option", id: `${id}-${i}`, draggable: "true", "aria-selected": String(i === chosen), "aria-label": text.colour(i + 1, colour), title: colour });
      setStyle(chip, { "background-color": colour });
      chip.place = i;
      return chip;
    }));
    if (colours.length) chips.setAttribute("aria-activedescendant", `${id}-${chosen}`);
    count.textContent = text.edited(colours.length);
    well.value = colours[chosen] ?? "#000000";
    if (document.activeElement !== code) code.value = colours[chosen] ?? "";
    earlier.disabled = chosen === 0;
    later.disabled = chosen >= colours.length - 1;
    remove.disabled = colours.length <= FEWEST;
    add.disabled = colours.length >= MOST;
  }

  function send(changed) {
    colours = changed;
    draw();
    onchange(colours);
  }

  function choose(place) {
    chosen = Math.min(Math.max(place, 0), colours.length - 1);
    code.blur();
    draw();
  }

  function recolour(colour) {
    if (colour) send(colours.with(chosen, colour));
  }

  function moveTo(from, to) {
    if (to < 0 || to >= colours.length || from === to) return;
    const moved = colours.toSpliced(from, 1).toSpliced(to, 0, colours[from]);
    chosen = to;
    send(moved);
    announce(text.moved(to + 1, colours.length));
  }

  function shift(by) {
    moveTo(chosen, chosen + by);
  }

  function drop() {
    if (colours.length <= FEWEST) return;
    send(colours.toSpliced(chosen, 1));
    announce(text.removed);
  }

  function insert() {
    const added = colours.toSpliced(chosen + 1, 0, colours[chosen] ?? "#808080");
    chosen += 1;
    send(added);
    announce(text.added);
    code.focus();
    code.select();
  }

  function sort() {
    send(colours.toSorted((one, other) => lightness(one) - lightness(other)));
  }

  chips.addEventListener("click", (event) => event.target.place !== undefined && choose(event.target.place));
  chips.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1, Home: -MOST, End: MOST }[event.key];
    if (event.key === "Delete" || event.key === "Backspace") drop();
    else if (by && event.altKey) shift(Math.sign(by));
    else if (by) choose(chosen + by);
    else return;
    event.preventDefault();
  });
  chips.addEventListener("dragstart", (event) => {
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/x-colour", String(event.target.place));
  });
  chips.addEventListener("dragover", (event) => event.dataTransfer.types.includes("text/x-colour") && event.preventDefault());
  chips.addEventListener("drop", (event) => {
    event.preventDefault();
    const from = Number(event.dataTransfer.getData("text/x-colour"));
    if (event.target.place !== undefined) moveTo(from, event.target.place);
  });
  well.addEventListener("input", () => recolour(parseHex(well.value)));
  code.addEventListener("input", () => {
    const colour = parseHex(code.value);
    code.setAttribute("aria-invalid", String(colour === null));
    // Three digits may be the beginning of six.
    if (colour && code.value.replace("#", "").length === 6) recolour(colour);
  });
  code.addEventListener("change", () => recolour(parseHex(code.value)));
  code.addEventListener("blur", () => {
    code.value = colours[chosen] ?? "";
    code.removeAttribute("aria-invalid");
  });

  return {
    element,
    set(given) {
      if (JSON.stringify(given) === JSON.stringify(colours)) return;
      colours = given;
      draw();
    },
  };
}

/** The form that takes a list of hex codes, and the button that gives one. */
function createPaste(onuse, current) {
  const id = freshId("paste");
  const area = h("textarea", { class: "input", id, rows: "3", placeholder: text.pastePlaceholder, spellcheck: "false" });
  const note = h("p", { class: "small soft", role: "status" });
  const element = h(
    "form",
    { class: "paste", hidden: true },
    h("label", { for: id, class: "small" }, text.pasteLabel),
    area,
    note,
    h("button", { type: "submit", class: "button compact primary" }, text.use),
  );
  const open = h("button", { type: "button", class: "button compact", "aria-expanded": "false", onclick: () => toggle(element.hidden) }, text.paste);
  const copy = h("button", { type: "button", class: "button compact", onclick: () => navigator.clipboard?.writeText(current().join(", ")).then(() => toast(text.copied)) }, text.copy);

  function toggle(shown) {
    element.hidden = !shown;
    open.setAttribute("aria-expanded", String(shown));
    if (shown) area.focus();
  }
  area.addEventListener("input", () => (note.textContent = area.value.trim() ? sentence(findColours(area.value)) : ""));
  element.addEventListener("submit", (event) => {
    event.preventDefault();
    const found = findColours(area.value);
    note.textContent = sentence(found);
    if (found.length < FEWEST || found.length > MOST) return;
    onuse(found);
    area.value = "";
    note.textContent = "";
    toggle(false);
    open.focus();
  });
  return { element, buttons: [open, copy] };
}

function sentence(found) {
  if (found.length === 0) return text.pasteNone;
  if (found.length < FEWEST) return text.pasteFew;
  return found.length > MOST ? text.pasteMany : text.pasteCount(found.length);
}

/** All hex colours in a text, whatever stands between them: a list, CSS, a GPL or HEX file. */
export function findColours(source) {
  const found = source.match(/(?<![0-9a-z])#?(?:[0-9a-f]{6}|[0-9a-f]{3})(?![0-9a-z])/gi) ?? [];
  return found.map(parseHex);
}

function lightness(colour) {
  const [r, g, b] = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
  return 0.299 * r + 0.587 * g + 0.114 * b;
}
