/** A stored picture as it changes: by server-sent events, else by asking again and again. */

import { api } from "./api.js";

const POLL_MS = { first: 700, longest: 5000, growth: 1.3 };
const MOST_FAILURES = 2;

/** Calls `onimage(image)` at once and at each change, `ongone()` when it is deleted. Returns stop(). */
export function follow(uuid, onimage, ongone) {
  let stopped = false;
  let failures = 0;
  let timer = 0;
  let events = null;

  function stop() {
    stopped = true;
    events?.close();
    clearTimeout(timer);
  }

  function gone() {
    stop();
    ongone();
  }

  function listen() {
    events = new EventSource(api.eventsUrl(uuid));
    events.addEventListener("image", (event) => {
      failures = 0;
      if (!stopped) onimage(JSON.parse(event.data));
    });
    events.addEventListener("deleted", gone);
    events.addEventListener("error", () => {
      failures += 1;
      if (stopped || (events.readyState !== EventSource.CLOSED && failures < MOST_FAILURES)) return;
      events.close();
      poll(POLL_MS.first);
    });
  }

  async function poll(wait) {
    try {
      const image = await api.image(uuid);
      if (!stopped) onimage(image);
    } catch (error) {
      if (error.kind === "gone") return gone();
    }
    if (!stopped) timer = setTimeout(() => poll(Math.min(wait * POLL_MS.growth, POLL_MS.longest)), wait);
  }

  if (typeof EventSource === "undefined") poll(POLL_MS.first);
  else listen();
  return stop;
}

/** Asks for the mail of a dither until it is sent or not to be; null when it takes too long. */
export async function followMail(uuid, ditherId, { signal, tries = 40, ms = 750 }) {
  for (let i = 0; i < tries && !signal.aborted; i += 1) {
    const { notifications } = await api.notifications(uuid).catch(() => ({ notifications: [] }));
    const mail = notifications.find((entry) => entry.dither_id === ditherId) ?? null;
    if (mail && mail.status !== "pending") return mail.status;
    await new Promise((resolve) => setTimeout(resolve, ms));
  }
  return null;
}
