/**
 * ZIP files of blobs, stored without compression, because pictures are already compressed. Only one
 * file at a time is read into memory. Source: PKWARE, "APPNOTE.TXT – .ZIP File Format
 * Specification", 6.3.10.
 */

const LARGEST = 0xffffffff; // a larger file would need ZIP64
const UTF8_NAMES = 0x0800;
const VERSION = 20;

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
	let crc = byte;
	for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
	return crc;
});

export function crc32(bytes) {
	let crc = 0xffffffff;
	for (let i = 0; i < bytes.length; i += 1) crc = TABLE[(crc ^ bytes[i]) & 255] ^ (crc >>> 8);
	return (crc ^ 0xffffffff) >>> 0;
}

/** `files`: [{name, blob}], each name once. → Blob. Throws RangeError above 4 GB or 65,535 files. */
export async function zip(files, date = new Date()) {
	const parts = [];
	const directory = [];
	let offset = 0;
	for (const { name, blob } of files) {
		const crc = crc32(new Uint8Array(await blob.arrayBuffer()));
		const entry = fields(new TextEncoder().encode(name), crc, blob.size, date);
		const head = bytes([0x04034b50, 4], [VERSION, 2], ...entry.common, entry.name);
		directory.push(bytes([0x02014b50, 4], [VERSION, 2], [VERSION, 2], ...entry.common, [0, 2], [0, 2], [0, 2], [0, 4], [offset, 4], entry.name));
		parts.push(head, blob);
		offset += head.length + blob.size;
		if (offset > LARGEST) throw new RangeError("A ZIP file holds at most 4 GB.");
	}
	const size = directory.reduce((sum, { length }) => sum + length, 0);
	if (files.length > 0xffff) throw new RangeError("A ZIP file holds at most 65,535 files.");
	const end = bytes([0x06054b50, 4], [0, 2], [0, 2], [files.length, 2], [files.length, 2], [size, 4], [offset, 4], [0, 2]);
	return new Blob([...parts, ...directory, end], { type: "application/zip" });
}

/** The fields that a file's header and its directory entry have in common. */
function fields(name, crc, size, date) {
	const time = (date.getHours() << 11) | (date.getMinutes() << 5) | (date.getSeconds() >> 1);
	const day = (Math.max(0, date.getFullYear() - 1980) << 9) | ((date.getMonth() + 1) << 5) | date.getDate();
	return { name, common: [[UTF8_NAMES, 2], [0, 2], [time, 2], [day, 2], [crc, 4], [size, 4], [size, 4], [name.length, 2], [0, 2]] };
}

/** Little-endian numbers, [value, bytes], and arrays of bytes. */
function bytes(...pieces) {
	const all = [];
	for (const piece of pieces) {
		if (piece instanceof Uint8Array) all.push(...piece);
		else for (let i = 0; i < piece[1]; i += 1) all.push((piece[0] / 2 ** (8 * i)) & 255);
	}
	return Uint8Array.from(all);
}
