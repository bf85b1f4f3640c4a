/**
 * The picture on the stage, kept in the browser's own storage, so that a reload does not lose it. Each
 * tab has its own; what no tab has used for a day is dropped.
 */

const DATABASE = "dither";
const STORE = "unsaved";
const TAB = "tab";
const DAY_MS = 24 * 60 * 60 * 1000;

/** What fails here (a private window, a full disk) costs only the convenience: → null. */
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

/** A tab's name outlives a reload, not the tab. */
function tab() {
	try {
		const name = sessionStorage.getItem(TAB) ?? String(Math.random()).slice(2);
		sessionStorage.setItem(TAB, name);
		return name;
	} catch {
		return null;
	}
}

export function keepUnsaved(file) {
	const name = tab();
	return name && withStore("readwrite", (store) => promised(store.put({ file, at: Date.now() }, name)));
}

export function dropUnsaved() {
	const name = tab();
	return name && withStore("readwrite", (store) => promised(store.delete(name)));
}

/** → the file this tab had, or null. */
export async function unsaved() {
	const name = tab();
	const found = name && (await withStore("readonly", (store) => promised(store.get(name))));
	withStore("readwrite", dropOld);
	return found?.file ?? null;
}

async function dropOld(store) {
	const names = await promised(store.getAllKeys());
	for (const name of names) {
		const { at } = await promised(store.get(name));
		if (Date.now() - at > DAY_MS) await promised(store.delete(name));
	}
}
