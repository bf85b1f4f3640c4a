/** Numbers about a result, computed from its pixels. */

const SEEN_AT = 4; // pixels that the eye takes together, for PSNR as seen

/** → {count, top: [{hex, share}]} most frequent first, at most `most` of them. */
export function countColours(pixels, most = 64) {
  const words = new Uint32Array(pixels.buffer);
  const counts = new Map();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  const opaque = [...counts].filter(([word]) => word >>> 24 !== 0);
  const total = opaque.reduce((sum, [, count]) => sum + count, 0) || 1;
  const top = opaque
    .sort((one, other) => other[1] - one[1])
    .slice(0, most)
    .map(([word, count]) => ({ hex: hex(word), share: count / total }));
  return { count: opaque.length, top };
}

function hex(word) {
  const channel = (shift) => ((word >>> shift) & 255).toString(16).padStart(2, "0");
  return `#${channel(0)}${channel(8)}${channel(16)}`; // little-endian RGBA
}

/** Peak signal-to-noise ratio of two RGBA arrays of one size, in dB; Infinity when equal. */
export function psnr(one, other) {
  let sum = 0;
  for (let i = 0; i < one.length; i += 4) {
    const r = one[i] - other[i];
    const g = one[i + 1] - other[i + 1];
    const b = one[i + 2] - other[i + 2];
    sum += r * r + g * g + b * b;
  }
  return 10 * Math.log10((255 * 255 * one.length * 0.75) / sum);
}

/** RGBA of a bitmap at a size; smoothed when the size is another. */
export function pixelsOf(bitmap, width = bitmap.width, height = bitmap.height) {
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, width, height);
  return context.getImageData(0, 0, width, height).data;
}

/** → {colours, psnr, seen}; the two last are null without an original. */
export function measure(result, original, most) {
  const pixels = pixelsOf(result.bitmap);
  const colours = countColours(pixels, most);
  if (!original) return { colours, psnr: null, seen: null };
  const { width, height } = result;
  const small = [Math.max(1, Math.round(width / SEEN_AT)), Math.max(1, Math.round(height / SEEN_AT))];
  return {
    colours,
    psnr: psnr(pixels, pixelsOf(original, width, height)),
    seen: psnr(pixelsOf(result.bitmap, ...small), pixelsOf(original, ...small)),
  };
}
