/** Takes a picture with the camera. */

import { h } from "./dom.js";
import { openDialog } from "./dialog.js";
import { camera as text } from "./strings.js";
import { toast } from "./messages.js";

export async function openCamera(onpicture) {
	let stream;
	try {
		stream = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 1920 }, facingMode: "environment" } });
	} catch {
		toast(text.refused);
		return;
	}
	const video = h("video.camera", { playsinline: true, "aria-label": text.heading });
	video.muted = true;
	video.srcObject = stream;
	const take = h("button.button.primary.wide", { onclick: shoot, autofocus: true }, text.take);
	const dialog = openDialog(text.heading, [video, take], { onclose: () => stream.getTracks().forEach((track) => track.stop()) });
	await video.play();

	async function shoot() {
		const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight);
		canvas.getContext("2d").drawImage(video, 0, 0);
		const blob = await canvas.convertToBlob({ type: "image/jpeg", quality: 0.95 });
		dialog.close();
		onpicture(new File([blob], text.fileName, { type: blob.type }));
	}
}
