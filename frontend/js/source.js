/** The picture one works on: the file, and smaller copies to look at and to preview. */

import { errors as text } from "./strings.js";
import { pixels } from "./zoom.js";

/** Longer side, in pixels, of what is kept decoded. */
const KEPT = 2560;
/** A smaller copy is exact where the original is, and as transparent. */
const COPY_TYPES = { "image/jpeg": "image/jpeg", "image/webp": "image/webp", "image/avif": "image/webp" };
const COPY_QUALITY = 0.95;

export class SourceError extends Error {}

/** Throws SourceError with a sentence when the file cannot be worked on. `details`: uuid, sample, email. */
export async function openSource(file, limits, details) {
	if (file.size === 0) throw new SourceError(text.emptyFile);
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

let lastId = 0;

/**
 * `bitmap`: what this browser shows of it, null when it cannot; `width`, `height`: the file's own.
 * `uuid`: set once the service has it. `email`: the address it was uploaded with.
 */
class Source {
	constructor(file, width, height, { uuid = null, sample = null, email = "" } = {}) {
		this.id = lastId += 1;
		Object.assign(this, { file, width, height, uuid, sample, email, name: file.name, bitmap: null });
		this.copies = new Map();
	}

	/** What the address bar keeps of it. */
	get address() {
		if (this.uuid) return { image: this.uuid };
		return this.sample ? { sample: this.sample } : {};
	}

	/** Whether a picture whose longer side is `size` is as large as the original. */
	isWhole(size) {
		return this.bitmap !== null && Math.max(this.width, this.height) <= size;
	}

	/** Its size with a longer side of at most `size`. */
	scaled(size) {
		const factor = Math.min(1, size / Math.max(this.width, this.height));
		return { width: pixels(this.width * factor), height: pixels(this.height * factor) };
	}

	/** A file to preview with, its longer side at most `size`, so that a slider sends little. */
	copy(size) {
		if (!this.bitmap || this.isWhole(size)) return Promise.resolve(this.file);
		const { width, height } = this.bitmap;
		return this.#made("copy", this.scaled(size), [0, 0, width, height]);
	}

	/** A small file of the picture's middle that fills `size`, for swatches. */
	swatch(size) {
		const { width, height } = this.bitmap;
		const factor = Math.min(width / size.width, height / size.height);
		const [w, h] = [size.width * factor, size.height * factor];
		return this.#made("swatch", size, [(width - w) / 2, (height - h) / 2, w, h]);
	}

	#made(kind, size, part) {
		const kept = this.copies.get(kind);
		if (kept?.size.width === size.width && kept.size.height === size.height) return kept.file;
		const file = this.#draw(size, part);
		this.copies.set(kind, { size, file });
		return file;
	}

	#draw({ width, height }, part) {
		const canvas = new OffscreenCanvas(width, height);
		const context = canvas.getContext("2d");
		context.imageSmoothingQuality = "high";
		context.drawImage(this.bitmap, ...part, 0, 0, width, height);
		return canvas.convertToBlob({ type: COPY_TYPES[this.file.type] ?? "image/png", quality: COPY_QUALITY });
	}

	close() {
		this.bitmap?.close();
	}
}
