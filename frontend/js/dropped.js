/** The files that were dropped or chosen, also those in folders. */

/** Call this during the event: afterwards the browser has dropped the entries. */
export function entriesOf(dataTransfer) {
	const entries = [...dataTransfer.items].map((item) => item.webkitGetAsEntry?.() ?? item.getAsFile());
	return entries.filter(Boolean);
}

/** → files sorted by name; `file.path` is the folder of the file, "" or "a/b/". */
export async function filesOf(entries) {
	const found = [];
	for (const entry of entries) await collect(entry, "", found);
	return found.sort((one, other) => `${one.path}${one.name}`.localeCompare(`${other.path}${other.name}`, "en", { numeric: true }));
}

async function collect(entry, path, found) {
	if (entry instanceof File) return found.push(Object.assign(entry, { path: "" }));
	if (entry.isFile) {
		const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
		if (!file.name.startsWith(".")) found.push(Object.assign(file, { path }));
		return;
	}
	const reader = entry.createReader();
	for (;;) {
		// A reader returns some entries at a time, and an empty list at the end.
		const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
		if (some.length === 0) return;
		for (const inner of some) await collect(inner, `${path}${entry.name}/`, found);
	}
}
