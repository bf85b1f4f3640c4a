import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";

import { crc32, zip } from "../../frontend/js/zip.js";

const READ = `
import sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as file:
    assert file.testzip() is None
    for entry in file.infolist():
        print(entry.filename, entry.date_time, file.read(entry).decode())
`;

test("the check value of CRC-32", () => {
	assert.equal(crc32(new TextEncoder().encode("123456789")), 0xcbf43926);
});

test("another program reads what is in it", async () => {
	const files = [
		{ name: "a.txt", blob: new Blob(["first"]) },
		{ name: "sub/Größe.txt", blob: new Blob(["second"]) },
		{ name: "empty", blob: new Blob([]) },
	];
	const blob = await zip(files, new Date(2026, 10, 26, 21, 30, 14));
	const path = join(mkdtempSync(join(tmpdir(), "zip-")), "test.zip");
	writeFileSync(path, new Uint8Array(await blob.arrayBuffer()));
	const listed = execFileSync("python3", ["-X", "utf8", "-c", READ, path], { encoding: "utf8" });
	const date = "(2026, 11, 26, 21, 30, 14)";
	assert.equal(listed, `a.txt ${date} first\nsub/Größe.txt ${date} second\nempty ${date} \n`);
});

test("an empty one is a ZIP file too", async () => {
	assert.equal((await zip([])).size, 22);
});
