/** Gestures with mouse, pen and fingers on the picture. */

const WHEEL_STEP = 60;

/** Points: CSS pixels from the middle of `element`. */
export function followGestures(element, { move, pinch, wheel, double, released }) {
	const pointers = new Map();
	let pinched = false;
	let wheeled = 0;

	const middle = (event) => {
		const box = element.getBoundingClientRect();
		return { x: event.clientX - box.left - box.width / 2, y: event.clientY - box.top - box.height / 2 };
	};
	const spread = () => {
		const [one, other] = [...pointers.values()];
		return Math.hypot(one.x - other.x, one.y - other.y);
	};

	element.addEventListener("pointerdown", (event) => {
		if (event.button !== 0) return;
		element.setPointerCapture(event.pointerId);
		pointers.set(event.pointerId, middle(event));
	});
	element.addEventListener("pointermove", (event) => {
		const from = pointers.get(event.pointerId);
		if (!from) return;
		const to = middle(event);
		if (pointers.size === 2) {
			const before = spread();
			pointers.set(event.pointerId, to);
			const [one, other] = [...pointers.values()];
			pinched = true;
			pinch(spread() / Math.max(1, before), { x: (one.x + other.x) / 2, y: (one.y + other.y) / 2 });
			return;
		}
		pointers.set(event.pointerId, to);
		move(to.x - from.x, to.y - from.y);
	});
	const end = (event) => {
		pointers.delete(event.pointerId);
		if (pointers.size === 0 && pinched) {
			pinched = false;
			released();
		}
	};
	element.addEventListener("pointerup", end);
	element.addEventListener("pointercancel", end);
	element.addEventListener("dblclick", (event) => double(middle(event)));
	element.addEventListener(
		"wheel",
		(event) => {
			event.preventDefault();
			wheeled += event.deltaY * (event.deltaMode === 1 ? 20 : 1);
			if (Math.abs(wheeled) < WHEEL_STEP) return;
			wheel(wheeled > 0 ? -1 : 1, middle(event));
			wheeled = 0;
		},
		{ passive: false },
	);
}
