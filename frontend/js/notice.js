/** An error message where the error happened, with a way to retry and a countdown. */

import { button, h } from "./dom.js";
import { dialog, errors as text } from "./strings.js";

const LIMITED_SECONDS = 5; // when the service does not say how long

/**
 * `error`: its message is the sentence; `retry`, `dismiss`, `other` ({label, run}) are optional.
 * A rate limit counts down and tries again by itself.
 */
export function notice(error, { retry = null, dismiss = null, other = null } = {}) {
	const countdown = h("span.small.numbers", { "aria-hidden": "true" });
	const element = h(
		".notice",
		{ role: "alert" },
		h("p.grow", error.message, " ", countdown),
		other && button(other.label, other.run),
		retry && button(text.retry, again),
		dismiss && button(dialog.dismiss, dismiss),
	);
	let timer = 0;

	function again() {
		clearTimeout(timer);
		retry();
	}
	function tick(seconds) {
		if (seconds <= 0) return again();
		countdown.textContent = text.retryIn(seconds);
		timer = setTimeout(() => element.isConnected && tick(seconds - 1), 1000);
	}
	const wait = error.retryAfter ?? (error.kind === "limited" ? LIMITED_SECONDS : null);
	if (retry && wait !== null) tick(Math.ceil(wait));
	return element;
}

/** The store's error as a notice, or null; an error without a retry can be dismissed. */
export function noticeOf(store, other = null) {
	const { error } = store;
	return error && notice(error.error, { ...error, other, dismiss: error.retry ? null : () => store.set({ error: null }) });
}
