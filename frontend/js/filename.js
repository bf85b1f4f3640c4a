/** Names of downloaded files. */

/** "Holiday 1.JPG" with the look "Newspaper" as PNG: "Holiday 1-newspaper.png". `look`: its title. */
export function fileName(original, look, extension) {
	return `${stem(original)}-${slug(look)}.${extension}`;
}

function stem(name) {
	return name.replace(/\.[^.\s]{1,5}$/, "").replace(/[\\/:*?"<>|\p{C}]/gu, "_").trim() || "picture";
}

/** Lower-case letters and digits, with hyphens between. */
function slug(title) {
	const plain = title.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
	return plain.replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "") || "dithered";
}

/** Makes names unique: the second "a.png" becomes "a-2.png". */
export function distinct(names) {
	const seen = new Set();
	return names.map((name) => {
		const [, base, extension] = /^(.*?)(\.[^.]*)?$/s.exec(name);
		let own = name;
		for (let number = 2; seen.has(own.toLowerCase()); number += 1) own = `${base}-${number}${extension ?? ""}`;
		seen.add(own.toLowerCase());
		return own;
	});
}
