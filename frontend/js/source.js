/** The current picture: its file, and a small copy for swatches and measurements. */

import { api } from "./api.js";
import { errors as text } from "./strings.js";
import { pixels } from "./zoom.js";

/** The longer side, in pixels, of the decoded copy that is kept. */
const KEPT = 1280;

export class SourceError extends Error {}

/** Throws SourceError with a sentence if the file cannot be used. `details`: uuid, sample, email. */
export async function openSource(file, limits, details) {
	if (file.size === 0) throw new SourceError(text.emptyFile(file.name));
	if (/^(text|audio|video)\/|pdf|zip|json/.test(file.type)) throw new SourceError(text.notAPicture(file.name));
	if (file.size > (limits?.max_bytes ?? Infinity)) throw new SourceError(text.tooLarge(file.size, limits.max_bytes));
	// Decoded off the main thread. A format that only the service reads (TIFF) has no bitmap here.
	const whole = await createImageBitmap(file).catch(() => null);
	const { width = null, height = null } = whole ?? {};
	if (width * height > (limits?.max_pixels ?? Infinity)) {
		whole.close();
		throw new SourceError(text.tooManyPixels({ width, height }, limits.max_pixels));
	}
	const source = new Source(file, width, height, details);
	if (whole) source.bitmap = await fitted(whole, source.scaled(KEPT));
	return source;
}

async function fitted(whole, { width, height }) {
	if (width === whole.width) return whole;
	const smaller = await createImageBitmap(whole, { resizeWidth: width, resizeHeight: height, resizeQuality: "high" });
	whole.close();
	return smaller;
}

/**
 * Width, height and number of frames: from the browser, which reads only the start of the file, else
 * from the service; `held` is then the service's name for the file.
 */
export async function sizeOf(file, how) {
	if (!/gif|webp|avif|apng|png/.test(file.type)) {
		const size = await headOf(file).catch(() => null);
		if (size) return { ...size, frames: 1, held: null };
	}
	const source = { file, held: null };
	const facts = await api.facts(source, {}, how);
	return { ...facts.source, held: source.held };
}

function headOf(file) {
	const image = new Image();
	const url = URL.createObjectURL(file);
	const head = new Promise((resolve, reject) => {
		image.onload = () => resolve({ width: image.naturalWidth, height: image.naturalHeight });
		image.onerror = reject;
		image.src = url;
	});
	return head.finally(() => URL.revokeObjectURL(url));
}

let lastId = 0;

/**
 * `bitmap`: a copy of at most KEPT pixels a side, null when this browser cannot read the file;
 * `url`: of the file, for the browser to show; `width`, `height`: the file's own, null until known;
 * `frames`: how many pictures it has, as far as known; `held`: the service's name for it while the
 * service has it in memory; `uuid`: set once it is stored; `email`: the address it was stored with.
 */
class Source {
	constructor(file, width, height, { uuid = null, sample = null, email = "", batch = null } = {}) {
		this.id = lastId += 1;
		Object.assign(this, { file, width, height, uuid, sample, email, batch, name: file.name, bitmap: null, held: null, frames: 1, small: null });
		this.url = URL.createObjectURL(file);
	}

	/** The part of the page's address that names this picture. */
	get address() {
		if (this.uuid) return { image: this.uuid };
		return this.sample ? { sample: this.sample } : {};
	}

	/** Its size with a longer side of at most `size`. */
	scaled(size) {
		const factor = Math.min(1, size / Math.max(this.width, this.height));
		return { width: pixels(this.width * factor), height: pixels(this.height * factor) };
	}

	/** A small picture of the middle, which fills `size`, for swatches; as `api.file` takes it. */
	swatch(size) {
		this.small ??= this.#draw(size).then((file) => ({ file, held: null }));
		return this.small;
	}

	#draw(size) {
		const { width, height } = this.bitmap;
		const factor = Math.min(width / size.width, height / size.height);
		const [w, h] = [size.width * factor, size.height * factor];
		const canvas = new OffscreenCanvas(size.width, size.height);
		const context = canvas.getContext("2d");
		context.imageSmoothingQuality = "high";
		context.drawImage(this.bitmap, (width - w) / 2, (height - h) / 2, w, h, 0, 0, size.width, size.height);
		return canvas.convertToBlob();
	}

	close() {
		this.bitmap?.close();
		URL.revokeObjectURL(this.url);
	}
}
