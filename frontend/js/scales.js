/** Maps a slider's track to a range of values, so that the useful values get most of the track. */

/** → {position(value) 0–1, value(position), stepped(value, by), round(value), step} */
export function scaleFor({ type, min, max, default: initial }) {
	const span = max - min;
	const whole = type.includes("integer");
	const step = whole ? 1 : span > 20 ? 0.5 : 0.01;
	// A default inside the range is put in the middle; for large counts, small values get more room.
	const isInside = !whole && initial > min && initial < max;
	const power = isInside ? Math.log(0.5) / Math.log((initial - min) / span) : whole && span > 30 ? 1 / 3 : 1;
	const round = (value) => {
		const bounded = Math.min(Math.max(value, min), max);
		return Number((Math.round(bounded / step) * step).toFixed(4));
	};
	return {
		step,
		round,
		position: (value) => ((value - min) / span) ** power,
		value: (at) => round(min + span * at ** (1 / power)),
		stepped: (value, by) => round(value + by * (step === 0.01 ? 0.05 : step)),
	};
}
