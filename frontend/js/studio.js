/** The actions of the page. Views call these and read the store. */

import { announce, toast } from "./messages.js";
import { writeFragment } from "./fragment.js";
import { createHistory } from "./history.js";
import { openSource, SourceError } from "./source.js";
import { stage as text } from "./strings.js";
import { dropUnsaved, keepUnsaved } from "./unsaved.js";

/**
 * Store keys: catalogue, source, options (sparse), result and overview (parts of the picture, see
 * preview.js), facts, busy, sent, sight, error ({error, retry} or null), opening, view, online.
 */
export function createStudio(store) {
	let history = createHistory({});
	let newest = 0; // the number of the newest request to open a picture

	function show() {
		store.set({ ...history.state(), error: null });
		writeAddress();
	}

	function writeAddress() {
		if (store.view !== "studio" || !store.catalogue) return; // not before the address was read
		const address = writeFragment(store.source?.address ?? {}, store.options);
		window.history.replaceState(null, "", address === "#" ? window.location.pathname : address);
	}

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

		undo: () => store.canUndo && travel(history.undo, text.undone),
		redo: () => store.canRedo && travel(history.redo, text.redone),

		reset() {
			use({});
			announce(text.reset);
		},

		/** Sets the options from the address, without an undo step. */
		begin(options) {
			history = createHistory(store.catalogue.sparse(options));
			store.set({ ...history.state(), error: null });
		},

		/**
		 * Opens a file, or a promise of one. → whether it is shown now: false if another was requested
		 * meanwhile. On failure the previous picture stays. `details`: uuid, sample, email.
		 */
		async open(file, details = {}) {
			const mine = (newest += 1);
			store.set({ opening: true, error: null });
			try {
				const source = await openSource(await file, store.catalogue?.limits, details);
				if (mine !== newest) {
					source.close();
					return false;
				}
				const before = store.source;
				store.set({ source, result: null, overview: null, facts: null, view: "studio" });
				before?.close();
				writeAddress();
				if (Object.keys(source.address).length > 0) dropUnsaved();
				else keepUnsaved(source.file);
				return true;
			} catch (error) {
				if (mine !== newest) return false;
				if (!(error instanceof SourceError)) throw error;
				if (store.view === "gallery") toast(error.message);
				else store.set({ error: { error } });
				return false;
			} finally {
				if (mine === newest) store.set({ opening: false });
			}
		},
	};
}
