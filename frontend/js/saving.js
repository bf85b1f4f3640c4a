/** The state of one save, from the upload of the file to the mail. */

import { api, ApiError } from "./api.js";
import { follow, followMail } from "./follow.js";
import { save as text } from "./strings.js";

/**
 * `steps`: {uploaded, queued, dithered, mailed?: "wait"|"now"|"done"|"failed"}; `onchange()` after
 * each change, `onend()` once. Sets the source's uuid, so that a second save adds a version.
 */
export function createSaving(source, options, catalogue, email) {
	let stop = () => {};
	let ditherId = null;

	const saving = {
		source,
		options,
		email,
		sent: 0,
		total: source.file.size,
		uploading: false,
		over: false,
		image: null,
		dither: null,
		failure: null,
		mailNote: null,
		steps: { uploaded: "now", queued: "wait", dithered: "wait", ...(email ? { mailed: "wait" } : {}) },
		onchange: () => {},
		onend: () => {},

		async run() {
			try {
				if (source.uuid && source.email === email) await addVersion();
				else await upload();
				stop = follow(source.uuid, update, () => fail(new ApiError("gone", text.goneMeanwhile)));
			} catch (error) {
				if (!(error instanceof ApiError)) throw error;
				fail(error);
			}
		},
	};

	async function upload() {
		saving.uploading = true;
		try {
			const image = await api.upload(source.file, { email, options }, (sent) => {
				saving.sent = Math.min(sent, saving.total); // the request also contains the form
				saving.onchange();
			});
			Object.assign(source, { uuid: image.uuid, email });
			ditherId = image.dithers[0]?.dither_id ?? null;
		} finally {
			saving.uploading = false;
		}
		step({ uploaded: "done", queued: "now" });
	}

	async function addVersion() {
		step({ uploaded: "done", queued: "now" });
		const { channels = catalogue.fields.channels.default, ...others } = options;
		ditherId = (await api.addDither(source.uuid, channels, others)).dither_id;
	}

	function update(image) {
		if (saving.over) return;
		const dither = ditherId ? image.dithers.find((entry) => entry.dither_id === ditherId) : image.dithers[0];
		Object.assign(saving, { image, dither: dither ?? null });
		if (!dither) return;
		if (dither.status === "failed") return fail(new Error(dither.reason || text.failed));
		if (dither.status === "queued") return step({ queued: "done", dithered: "now" });
		stop();
		saving.over = true;
		step({ queued: "done", dithered: "done", ...(email ? { mailed: "now" } : {}) });
		saving.onend();
		if (email) mail();
	}

	async function mail() {
		const status = await followMail(source.uuid, saving.dither.dither_id);
		saving.mailNote = text.mailNotes[status] ?? null;
		step({ mailed: { sent: "done", unconfirmed: "now", null: "now" }[status] ?? "failed" });
	}

	function step(changes) {
		Object.assign(saving.steps, changes);
		saving.onchange();
	}

	function fail(failure) {
		stop();
		Object.assign(saving, { failure, over: true });
		for (const [name, state] of Object.entries(saving.steps)) if (state === "now") saving.steps[name] = "failed";
		// A picture that was deleted meanwhile has to be uploaded again.
		if (failure.kind === "gone") source.uuid = null;
		saving.onchange();
		saving.onend();
	}

	return saving;
}
