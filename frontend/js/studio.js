/** What one can do: open a picture, change options, undo. Views only call this and read the store. */

import { announce } from "./messages.js";
import { writeFragment } from "./fragment.js";
import { createHistory } from "./history.js";
import { openSource, SourceError } from "./source.js";
import { stage as text } from "./strings.js";

/**
 * Store keys: catalogue, source, options (sparse), result, busy, error, opening, view, online.
 * `error` is {error, retry} or null.
 */
export function createStudio(store) {
	let history = createHistory({});

	function show() {
		store.set({ options: history.present, error: null, canUndo: history.canUndo, canRedo: history.canRedo });
		writeAddress();
	}

	function writeAddress() {
		if (store.view !== "studio") return;
		const address = writeFragment(store.source?.address ?? {}, store.options);
		window.history.replaceState(null, "", address === "#" ? window.location.pathname : address);
	}

	/** Replaces all options: a preset, a link, a saved version. */
	function use(options, key) {
		history.push(store.catalogue.sparse(options), key);
		show();
	}

	function travel(step, said) {
		step();
		show();
		announce(said);
	}

	return {
		use,
		writeAddress,

		/** Sets some options; a null removes one. `key` joins quick changes into one undo step. */
		change(changes, key = Object.keys(changes).join()) {
			use({ ...store.options, ...changes }, key);
		},

		undo: () => history.canUndo && travel(history.undo, text.undone),
		redo: () => history.canRedo && travel(history.redo, text.redone),

		reset() {
			use({});
			announce(text.reset);
		},

		/** Options that came with the address: not a step to undo. */
		begin(options) {
			history = createHistory(store.catalogue.sparse(options));
			show();
		},

		/** Opens a file; on failure the picture before it stays. `details`: uuid, sample, email. */
		async open(file, details = {}) {
			store.set({ opening: true, error: null });
			try {
				const source = await openSource(file, store.catalogue?.limits, details);
				const before = store.source;
				store.set({ source, result: null, view: "studio" });
				before?.close();
				writeAddress();
			} catch (error) {
				if (!(error instanceof SourceError)) throw error;
				store.set({ error: { error } });
			} finally {
				store.set({ opening: false });
			}
		},
	};
}
