/** What one can do: open a picture, change options, undo. Views only call this and read the store. */

import { announce } from "./announce.js";
import { writeFragment } from "./fragment.js";
import { createHistory } from "./history.js";
import { openSource, SourceError } from "./source.js";
import { strings } from "./strings.js";

/**
 * Store keys: catalogue, source, options (sparse), result, busy, error, opening, view, online.
 * `error` is {sentence, error, retry} or null.
 */
export function createStudio(store) {
  let history = createHistory({});

  function show(options) {
    store.set({ options, error: null, canUndo: history.canUndo, canRedo: history.canRedo });
    writeAddress();
  }

  function writeAddress() {
    if (store.get("view") !== "studio") return;
    const address = writeFragment(store.get("source")?.address ?? {}, store.get("options"));
    window.history.replaceState(null, "", address === "#" ? window.location.pathname : address);
  }

  return {
    /** Sets some options; a null removes one. `key` joins quick changes into one undo step. */
    change(changes, key = Object.keys(changes).join()) {
      const merged = { ...store.get("options"), ...changes };
      history.push(store.get("catalogue").sparse(merged), key);
      show(history.present);
    },

    /** Replaces all options: a preset, a link, a saved version. */
    use(options) {
      history.push(store.get("catalogue").sparse(options));
      show(history.present);
    },

    undo() {
      if (!history.canUndo) return;
      show(history.undo());
      announce(strings.stage.undone);
    },

    redo() {
      if (!history.canRedo) return;
      show(history.redo());
      announce(strings.stage.redone);
    },

    reset() {
      this.use({});
      announce(strings.stage.wasReset);
    },

    /** Options that came with the address: not a step to undo. */
    begin(options) {
      history = createHistory(store.get("catalogue").sparse(options));
      show(history.present);
    },

    /** Opens a file; on failure the picture before it stays. `details`: uuid, sample, email. */
    async open(file, details = {}) {
      store.set({ opening: true, error: null });
      try {
        const source = await openSource(file, { limits: store.get("catalogue")?.limits, ...details });
        const before = store.get("source");
        store.set({ source, result: null, view: "studio" });
        before?.close();
        writeAddress();
      } catch (error) {
        if (!(error instanceof SourceError)) throw error;
        store.set({ error: { sentence: error.message } });
      } finally {
        store.set({ opening: false });
      }
    },

    /** Back to the welcome page. */
    close() {
      const before = store.get("source");
      store.set({ source: null, result: null, error: null });
      before?.close();
      writeAddress();
    },

    writeAddress,
  };
}
