/** A magnifier that follows the pointer, with the pixels of the file and their colour. */

import { api, ApiError } from "./api.js";
import { h, setStyle } from "./dom.js";
import { toHex } from "./fragment.js";
import { engineOptions, savedSize } from "./output.js";
import { loupe as text } from "./strings.js";

const SIDE = 15; // pixels of the picture per side
const EACH = 9; // CSS pixels per pixel of the picture

/** `pixelAt(event)`: {x, y} of the saved picture, or null. → toggle(). */
export function createLoupe(store, viewport, pixelAt) {
	const canvas = h("canvas", { width: SIDE, height: SIDE });
	const readout = h("output.small.numbers.code");
	const element = h(".loupe", { hidden: true, "aria-hidden": "true" }, canvas, readout);
	let isOn = false;
	let running = false;
	let wanted = null;

	async function look() {
		if (running || !wanted) return;
		const { at, place } = wanted;
		const { source, options } = store;
		const size = savedSize(options, source);
		const side = { width: Math.min(SIDE, size.width), height: Math.min(SIDE, size.height) };
		const x = Math.min(Math.max(at.x - (SIDE >> 1), 0), size.width - side.width);
		const y = Math.min(Math.max(at.y - (SIDE >> 1), 0), size.height - side.height);
		wanted = null;
		running = true;
		try {
			const part = { x, y, ...side, shown_width: side.width, shown_height: side.height };
			const bitmap = await createImageBitmap((await api.part(source, engineOptions(options, source), part)).blob);
			show(bitmap, at, { x: at.x - x, y: at.y - y }, place);
		} catch (error) {
			if (!(error instanceof ApiError)) throw error;
		} finally {
			running = false;
			look();
		}
	}

	function show(bitmap, at, middle, { left, top }) {
		Object.assign(canvas, { width: bitmap.width, height: bitmap.height });
		const context = canvas.getContext("2d", { willReadFrequently: true });
		context.drawImage(bitmap, 0, 0);
		const [r, g, b] = context.getImageData(middle.x, middle.y, 1, 1).data;
		readout.textContent = text.pixel(at, toHex([r, g, b]), originalAt(at));
		setStyle(canvas, { width: `${bitmap.width * EACH}px`, height: `${bitmap.height * EACH}px` });
		setStyle(element, { left: `${left}px`, top: `${top}px`, "--x": `${middle.x * EACH}px`, "--y": `${middle.y * EACH}px`, "--each": `${EACH}px` });
		element.hidden = !isOn;
	}

	/** The colour of that pixel in the original, if this browser can read it. */
	function originalAt({ x, y }) {
		const { source, options } = store;
		if (!source.bitmap) return null;
		const size = savedSize(options, source);
		const context = new OffscreenCanvas(1, 1).getContext("2d");
		context.drawImage(source.bitmap, -Math.floor((x * source.bitmap.width) / size.width), -Math.floor((y * source.bitmap.height) / size.height));
		return toHex([...context.getImageData(0, 0, 1, 1).data.slice(0, 3)]);
	}

	viewport.addEventListener("pointermove", (event) => {
		const at = isOn ? pixelAt(event) : null;
		if (!at) return void (element.hidden = true);
		const box = viewport.getBoundingClientRect();
		const width = SIDE * EACH + 40;
		const left = event.clientX - box.left;
		const top = event.clientY - box.top;
		wanted = { at, place: { left: left + width > box.width ? left - width : left + 20, top: Math.max(0, Math.min(top + 20, box.height - width - 20)) } };
		look();
	});
	viewport.addEventListener("pointerleave", () => (element.hidden = true));
	viewport.append(element);

	return () => {
		isOn = !isOn;
		element.hidden = true;
		viewport.classList.toggle("looking", isOn);
		return isOn;
	};
}
