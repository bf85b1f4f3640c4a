/** The picture in all looks on one sheet, for comparing, printing or downloading. */

import { api, ApiError } from "./api.js";
import { openDialog } from "./dialog.js";
import { saveFile } from "./download.js";
import { h, icon } from "./dom.js";
import { fileName } from "./filename.js";
import { notice } from "./notice.js";
import { engineOptions, savedSize } from "./output.js";
import { presetsOf } from "./presets.js";
import { sheet as text } from "./strings.js";

const COLUMNS = 4;
const CELL = { width: 360, height: 300, title: 36, gap: 16 };

export function openSheet(store) {
	const { source, catalogue } = store;
	const looks = presetsOf(catalogue);
	const rows = Math.ceil(looks.length / COLUMNS);
	const canvas = h("canvas.sheet", { width: COLUMNS * (CELL.width + CELL.gap) + CELL.gap, height: rows * (CELL.height + CELL.title + CELL.gap) + CELL.gap });
	const context = canvas.getContext("2d");
	const abort = new AbortController();
	const save = h("button.button.primary", { disabled: true, onclick: () => canvas.toBlob((blob) => saveFile(blob, fileName(source.name, text.heading, "png"))) }, icon("save"), text.download);
	const print = h("button.button", { disabled: true, onclick: () => window.print() }, text.print);
	const dialog = openDialog(text.heading, [canvas, h(".row.no-print", save, print)], { kind: "wide", onclose: () => abort.abort() });
	draw().catch((error) => {
		if (error.name === "AbortError") return;
		if (!(error instanceof ApiError)) throw error;
		canvas.after(notice(error));
	});

	async function draw() {
		context.fillStyle = "#fff";
		context.fillRect(0, 0, canvas.width, canvas.height);
		Object.assign(context, { fillStyle: "#1d1c1a", font: "20px system-ui, sans-serif", textAlign: "center" });
		for (const [i, { title, options }] of looks.entries()) {
			const x = CELL.gap + (i % COLUMNS) * (CELL.width + CELL.gap);
			const y = CELL.gap + Math.floor(i / COLUMNS) * (CELL.height + CELL.title + CELL.gap);
			await drawLook(options, x, y);
			context.fillText(title, x + CELL.width / 2, y + CELL.height + 26);
		}
		save.disabled = print.disabled = false;
		if (dialog.open) save.focus();
	}

	/** Draws the whole picture in one look, reduced as the eye would see it from a distance. */
	async function drawLook(options, x, y) {
		const size = savedSize(options, source);
		const factor = Math.min(1, CELL.width / size.width, CELL.height / size.height);
		const shown = { shown_width: Math.max(1, Math.round(size.width * factor)), shown_height: Math.max(1, Math.round(size.height * factor)) };
		const { blob } = await api.part(source, engineOptions(options, source), { x: 0, y: 0, ...size, ...shown }, { signal: abort.signal });
		const bitmap = await createImageBitmap(blob);
		context.drawImage(bitmap, x + (CELL.width - bitmap.width) / 2, y + (CELL.height - bitmap.height) / 2);
		bitmap.close();
	}
}
