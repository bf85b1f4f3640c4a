/**
 * Keeps the picture on the stage in the browser's storage, so that a reload does not lose it. Each tab
 * has its own picture; one that no tab has used for a day is deleted.
 */

import { stored } from "./storage.js";

const DATABASE = "dither";
const STORE = "unsaved";
const TAB = "tab";
const DAY_MS = 864e5;

/** → null on failure (a private window, a full disk): the picture is then just not kept. */
async function withStore(mode, use) {
	try {
		const database = await promised(
			Object.assign(indexedDB.open(DATABASE, 1), {
				onupgradeneeded: ({ target }) => target.result.createObjectStore(STORE),
			}),
		);
		const result = await use(database.transaction(STORE, mode).objectStore(STORE));
		database.close();
		return result;
	} catch {
		return null;
	}
}

function promised(request) {
	return new Promise((resolve, reject) => {
		request.onsuccess = () => resolve(request.result);
		request.onerror = () => reject(request.error);
	});
}

/** The tab's name: it stays the same over a reload, until the tab is closed. */
function tab() {
	return stored("sessionStorage", (storage) => {
		const name = storage.getItem(TAB) ?? `${Math.random()}`;
		storage.setItem(TAB, name);
		return name;
	});
}

export function keepUnsaved(file) {
	const name = tab();
	return name && withStore("readwrite", (store) => promised(store.put({ file, at: Date.now() }, name)));
}

export function dropUnsaved() {
	const name = tab();
	return name && withStore("readwrite", (store) => promised(store.delete(name)));
}

/** → the file that this tab had on the stage, or nothing. */
export async function unsaved() {
	const name = tab();
	const file = name && (await withStore("readonly", (store) => promised(store.get(name))))?.file;
	withStore("readwrite", dropOld);
	// A copy: Firefox reads the stored file from disk, and loses it when the same picture is kept again.
	return file && new File([await file.arrayBuffer()], file.name, file);
}

async function dropOld(store) {
	const names = await promised(store.getAllKeys());
	for (const name of names) {
		const { at } = await promised(store.get(name));
		if (Date.now() - at > DAY_MS) await promised(store.delete(name));
	}
}
