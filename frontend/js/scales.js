/** How a slider's track maps to an option's range, so that the useful part of it is wide. */

/** → {position(value) 0–1, value(position), stepped(value, by), round(value), step} */
export function scaleFor({ type, min, max, default: initial }) {
  const whole = type.includes("integer");
  const step = whole ? 1 : max - min > 20 ? 0.5 : 0.01;
  const round = (value) => {
    const bounded = Math.min(Math.max(value, min), max);
    return whole ? Math.round(bounded) : Number((Math.round(bounded / step) * step).toFixed(4));
  };
  const [position, raw] = curve(min, max, initial, whole);
  return { step, round, position, value: (at) => round(raw(at)), stepped: (value, by) => round(value + by * stepAt(value, whole, step)) };
}

function stepAt(value, whole, step) {
  return whole || step > 0.01 ? step : 0.05;
}

function curve(min, max, initial, whole) {
  // Counts that go far: equal ratios on equal lengths.
  if (min > 0 && max / min >= 16 && (whole || min >= 1)) {
    const span = Math.log(max / min);
    return [(value) => Math.log(value / min) / span, (at) => min * Math.exp(at * span)];
  }
  // A factor around 1 that may go far up: its neutral value in the middle.
  if (initial > min && initial < max && max - initial > 2 * (initial - min)) {
    const up = max - initial;
    return [
      (value) => (value <= initial ? (0.5 * (value - min)) / (initial - min) : 0.5 + 0.5 * Math.sqrt((value - initial) / up)),
      (at) => (at <= 0.5 ? min + 2 * at * (initial - min) : initial + (2 * at - 1) ** 2 * up),
    ];
  }
  return [(value) => (value - min) / (max - min), (at) => min + at * (max - min)];
}
