/** The files of a drop or a choice, also those in folders. */

/** Entries are to be taken before the event ends: after it the browser forgets them. */
export function entriesOf(dataTransfer) {
	const entries = [...dataTransfer.items].map((item) => item.webkitGetAsEntry?.() ?? item.getAsFile());
	return entries.filter(Boolean);
}

/** → files in the order of their names; `file.path` is the folder they lie in, "" or "a/b/". */
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
		// A reader gives some at a time, and none at the end.
		const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
		if (some.length === 0) return;
		for (const inner of some) await collect(inner, `${path}${entry.name}/`, found);
	}
}
