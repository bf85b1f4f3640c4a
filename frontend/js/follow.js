/** Follows the changes of a stored picture: by server-sent events, else by polling. */

import { api } from "./api.js";

const POLL_MS = 1500;
const SILENCE_MS = 5000; // without data the stream is given up: a proxy may be buffering it

/** Calls `onimage(image)` at once and at each change, `ongone()` when it is deleted. → stop(). */
export function follow(uuid, onimage, ongone) {
	const abort = new AbortController();
	const { signal } = abort;
	let timer = 0;

	function stop() {
		abort.abort();
		clearTimeout(timer);
	}

	function gone() {
		stop();
		ongone();
	}

	async function listen() {
		try {
			const { body } = await soon(api.events(uuid, signal));
			for await (const { event, data } of readEvents(body)) {
				if (signal.aborted) return;
				if (event === "deleted") return gone();
				if (event === "image") onimage(JSON.parse(data));
			}
		} catch (error) {
			if (error.kind === "gone") return gone();
		}
		// The stream has ended or never began: poll instead.
		if (!signal.aborted) poll();
	}

	async function poll() {
		try {
			const image = await api.image(uuid);
			if (!signal.aborted) onimage(image);
		} catch (error) {
			if (error.kind === "gone") return gone();
		}
		if (!signal.aborted) timer = setTimeout(poll, POLL_MS);
	}

	listen();
	return stop;
}

/** Rejects if a promise takes longer than SILENCE_MS. */
function soon(promise) {
	let timer = 0;
	const silence = new Promise((_, reject) => (timer = setTimeout(reject, SILENCE_MS, new Error("silent"))));
	return Promise.race([promise, silence]).finally(() => clearTimeout(timer));
}

/** Yields {event, data} of each event in a stream. EventSource cannot be used: it sends no API key. */
async function* readEvents(body) {
	const reader = body.pipeThrough(new TextDecoderStream()).getReader();
	let rest = "";
	for (;;) {
		const { value, done } = await soon(reader.read());
		if (done) return;
		const blocks = (rest + value).replaceAll("\r\n", "\n").split("\n\n");
		rest = blocks.pop();
		for (const block of blocks) {
			const field = (name) => block.split("\n").find((line) => line.startsWith(`${name}:`))?.slice(name.length + 1);
			yield { event: field("event")?.trim(), data: field("data") };
		}
	}
}

/** The state of a dither's email; null after a timeout. */
export async function followMail(uuid, ditherId, { tries = 40, ms = 750 } = {}) {
	for (let i = 0; i < tries; i += 1) {
		const { notifications } = await api.notifications(uuid).catch(() => ({ notifications: [] }));
		const mail = notifications.find((entry) => entry.dither_id === ditherId) ?? null;
		if (mail && mail.status !== "pending") return mail.status;
		await new Promise((resolve) => setTimeout(resolve, ms));
	}
	return null;
}
