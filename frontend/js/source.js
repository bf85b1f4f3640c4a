/** The picture one works on: the file itself, and small copies of it for looking at. */

import { strings } from "./strings.js";

/** How a smaller copy is written: exactly where the original is exact, and with its transparency. */
const COPY_TYPES = { "image/jpeg": "image/jpeg", "image/webp": "image/webp", "image/avif": "image/webp" };
const COPY_QUALITY = 0.95;
/** A file up to this is sent as it is when nothing is gained by making it smaller. */
const SMALL_BYTES = 600_000;

export class SourceError extends Error {}

/**
 * @returns {Promise<Source>}
 * Throws SourceError with a sentence when the file cannot be worked on. `limits` are the service's.
 */
export async function openSource(file, { limits, uuid = null, sample = null, email = "" } = {}) {
  if (file.size === 0) throw new SourceError(strings.errors.emptyFile);
  if (/^(text|audio|video)\/|pdf|zip|json/.test(file.type)) throw new SourceError(strings.errors.notAPicture(file.name));
  if (limits?.max_bytes && file.size > limits.max_bytes) {
    throw new SourceError(strings.errors.tooLarge(file.size, limits.max_bytes));
  }
  let bitmap = null;
  try {
    bitmap = await createImageBitmap(file);
  } catch {
    // A format that the service reads and this browser does not (TIFF): the service will tell.
  }
  if (bitmap && limits?.max_pixels && bitmap.width * bitmap.height > limits.max_pixels) {
    throw new SourceError(strings.errors.tooManyPixels(bitmap.width, bitmap.height, limits.max_pixels));
  }
  return new Source(file, bitmap, { uuid, sample, email });
}

let lastId = 0;

/** `uuid`: set once the service has it. `email`: the address it was uploaded with. */
class Source {
  constructor(file, bitmap, { uuid, sample, email }) {
    this.id = lastId += 1;
    this.file = file;
    this.bitmap = bitmap;
    this.name = file.name;
    this.uuid = uuid;
    this.sample = sample;
    this.email = email;
    this.copies = new Map();
  }

  get width() {
    return this.bitmap?.width ?? null;
  }

  get height() {
    return this.bitmap?.height ?? null;
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

  /** The size, in pixels, of the picture scaled to a longer side of at most `size`. */
  scaled(size) {
    const factor = Math.min(1, size / Math.max(this.width, this.height));
    return { width: Math.max(1, Math.round(this.width * factor)), height: Math.max(1, Math.round(this.height * factor)) };
  }

  /** A file to preview with, its longer side at most `size`; made once per size. */
  copy(size) {
    if (!this.bitmap || (this.isWhole(size) && this.file.size <= SMALL_BYTES)) return Promise.resolve(this.file);
    if (!this.copies.has(size)) {
      this.copies.clear();
      const { width, height } = this.scaled(size);
      this.copies.set(size, this.draw(width, height, 0, 0, this.width, this.height));
    }
    return this.copies.get(size);
  }

  /** A small file of the picture's middle that fills `width` × `height`, for swatches. */
  swatch(width, height) {
    const key = `${width}x${height}`;
    this.swatchFiles ??= new Map();
    if (!this.swatchFiles.has(key)) {
      const factor = Math.min(this.width / width, this.height / height);
      const [w, h] = [width * factor, height * factor];
      this.swatchFiles.set(key, this.draw(width, height, (this.width - w) / 2, (this.height - h) / 2, w, h));
    }
    return this.swatchFiles.get(key);
  }

  async draw(width, height, x, y, w, h) {
    const scaled = await createImageBitmap(this.bitmap, Math.round(x), Math.round(y), Math.round(w), Math.round(h), {
      resizeWidth: width,
      resizeHeight: height,
      resizeQuality: "high",
    });
    const canvas = new OffscreenCanvas(width, height);
    canvas.getContext("2d").drawImage(scaled, 0, 0);
    scaled.close();
    return canvas.convertToBlob({ type: COPY_TYPES[this.file.type] ?? "image/png", quality: COPY_QUALITY });
  }

  close() {
    this.bitmap?.close();
  }
}
