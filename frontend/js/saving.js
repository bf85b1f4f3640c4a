/** One save from the file to the mail, as data: steps and what came of them. */

import { api, ApiError } from "./api.js";
import { follow, followMail } from "./follow.js";
import { strings } from "./strings.js";

const text = strings.save;

/**
 * `steps`: {uploaded, queued, dithered, mailed?: "wait"|"now"|"done"|"failed"}; `onchange()` after
 * each change, `onend()` once. The source learns its uuid, so that a second save adds a version.
 */
export function createSaving(source, options, catalogue, email) {
  const abort = new AbortController();
  let stop = () => {};

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
    error: null,
    mailNote: null,
    steps: { uploaded: "now", queued: "wait", dithered: "wait", ...(email ? { mailed: "wait" } : {}) },
    onchange: () => {},
    onend: () => {},

    async run() {
      try {
        if (source.uuid && source.email === email) await addVersion();
        else await upload();
        watch();
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        fail(error.message, error);
      }
    },
  };

  async function upload() {
    saving.uploading = true;
    try {
      const image = await api.upload(source.file, { email, options }, (sent, total) => {
        Object.assign(saving, { sent, total });
        saving.onchange();
      });
      source.uuid = image.uuid;
      source.email = email;
      saving.image = image;
      saving.ditherId = image.dithers?.[0]?.dither_id ?? null;
    } finally {
      saving.uploading = false;
    }
    step({ uploaded: "done", queued: "now" });
  }

  async function addVersion() {
    step({ uploaded: "done", queued: "now" });
    const { channels = catalogue.fields.channels.default, ...others } = options;
    const dither = await api.addDither(source.uuid, channels, others);
    saving.ditherId = dither.dither_id;
  }

  function watch() {
    stop = follow(source.uuid, update, () => fail(text.goneMeanwhile));
  }

  function update(image) {
    if (saving.over) return;
    saving.image = image;
    const dither = saving.ditherId ? image.dithers.find((entry) => entry.dither_id === saving.ditherId) : image.dithers[0];
    if (!dither) return saving.onchange();
    saving.dither = dither;
    if (dither.status === "failed" || image.status === "failed") return fail(dither.reason || text.failed);
    if (dither.status !== "done") return step({ queued: "done", dithered: "now" });
    stop();
    saving.over = true;
    step({ queued: "done", dithered: "done", ...(email ? { mailed: "now" } : {}) });
    saving.onend();
    if (email) mail(dither.dither_id);
  }

  async function mail(ditherId) {
    const status = await followMail(source.uuid, ditherId, { signal: abort.signal });
    saving.mailNote = { failed: text.mailFailed, suppressed: text.suppressed, null: text.mailSlow }[status] ?? null;
    step({ mailed: status === "sent" ? "done" : status === null ? "now" : "failed" });
  }

  function step(changes) {
    Object.assign(saving.steps, changes);
    saving.onchange();
  }

  function fail(sentence, error = null) {
    stop();
    Object.assign(saving, { failure: sentence, error, over: true });
    for (const [name, state] of Object.entries(saving.steps)) if (state === "now") saving.steps[name] = "failed";
    // A picture that is not there any more has to be uploaded anew.
    if (error?.kind === "gone" || sentence === text.goneMeanwhile) source.uuid = null;
    saving.onchange();
    saving.onend();
  }

  return saving;
}
