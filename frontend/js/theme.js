/** Light, dark, or as the system: a button that goes round, remembered in this browser. */

import { iconButton, replace, icon } from "./dom.js";
import { strings } from "./strings.js";

const NEXT = { auto: "light", light: "dark", dark: "auto" };
const ICONS = { auto: "auto", light: "sun", dark: "moon" };
const KEY = "theme";

export function createThemeButton() {
  let theme = remembered();
  const button = iconButton(ICONS[theme], "", () => set(NEXT[theme]));

  function set(chosen) {
    theme = chosen;
    document.documentElement.dataset.theme = theme;
    replace(button, icon(ICONS[theme]));
    button.title = strings.theme[theme];
    button.setAttribute("aria-label", strings.theme[theme]);
    try {
      localStorage.setItem(KEY, theme);
    } catch {
      // Storage is switched off: the choice holds for this visit.
    }
  }
  set(theme);
  return button;
}

function remembered() {
  try {
    const theme = localStorage.getItem(KEY);
    return theme in NEXT ? theme : "auto";
  } catch {
    return "auto";
  }
}
