/** A picture from the camera. */

import { h } from "./dom.js";
import { openDialog } from "./dialog.js";
import { strings } from "./strings.js";
import { toast } from "./toasts.js";

const text = strings.camera;

/** `onpicture(file)` is called once when a picture was taken. */
export async function openCamera(onpicture) {
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 1920 }, facingMode: "environment" } });
  } catch {
    toast(text.refused);
    return;
  }
  const video = h("video", { class: "camera", playsinline: true, muted: true });
  video.muted = true;
  video.srcObject = stream;
  const take = h("button", { type: "button", class: "button primary", onclick: shoot }, text.take);
  const dialog = openDialog(text.heading, [video, h("div", { class: "row end" }, take)], { onclose: () => stream.getTracks().forEach((track) => track.stop()) });
  await video.play();

  async function shoot() {
    const canvas = h("canvas", {});
    canvas.width = video.videoWidth;
    canvas.height = video.videoHeight;
    canvas.getContext("2d").drawImage(video, 0, 0);
    const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.95));
    dialog.close();
    onpicture(new File([blob], text.fileName, { type: blob.type }));
  }
}
