/** Delete with undo: the request is sent when the time for undo is over. */

import { api } from "./api.js";
import { gallery as text } from "./strings.js";
import { announce, toast } from "./messages.js";

const UNDO_MS = 7000;
const leaving = new Map(); // uuid → function that deletes it now

/** Whether the user has deleted the picture, even if the request is not sent yet. */
export function isLeaving(uuid) {
	return leaving.has(uuid);
}

export function deleteLater({ uuid, filename }, { undone, deleted }) {
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
	const undo = () => {
		restore();
		announce(text.restored(filename));
	};
	leaving.set(uuid, send);
	toast(text.removed(filename), { ms: UNDO_MS, onend: () => send(), action: { label: text.undo, run: undo } });
}

// Leaving the page confirms the deletion.
window.addEventListener("pagehide", () => leaving.forEach((send) => send(true)));
