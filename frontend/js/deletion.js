/** Deleting with a way back: the service is told when the time to undo is over. */

import { announce } from "./announce.js";
import { api } from "./api.js";
import { strings } from "./strings.js";
import { toast } from "./toasts.js";

const text = strings.gallery;
const UNDO_MS = 7000;
const leaving = new Map(); // uuid → delete it now

/** Whether a picture is deleted as far as the person is concerned. */
export function isLeaving(uuid) {
  return leaving.has(uuid);
}

export function deleteLater(image, { undone, deleted }) {
  const { uuid, filename } = image;
  const restore = () => {
    leaving.delete(uuid);
    undone();
  };
  const send = async (keepalive = false) => {
    try {
      await api.deleteImage(uuid, { keepalive });
    } catch (error) {
      if (error.kind !== "gone") {
        restore();
        toast(error.message);
        return;
      }
    }
    leaving.delete(uuid);
    deleted();
  };
  leaving.set(uuid, send);
  toast(text.removed(filename), {
    ms: UNDO_MS,
    onend: () => send(),
    action: {
      label: text.undo,
      run: () => {
        restore();
        announce(text.restored(filename));
      },
    },
  });
}

// Who leaves the page has not changed their mind.
window.addEventListener("pagehide", () => leaving.forEach((send) => send(true)));
