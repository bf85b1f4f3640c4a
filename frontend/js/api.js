/** The service's HTTP interface. Every failure is an `ApiError` with a sentence for the person. */

import { apiKey, askForKey } from "./key.js";
import { errors } from "./strings.js";

/** Where the service is: the page may be served below a path. Without a slash at its end. */
const BASE = new URL("..", import.meta.url).pathname.replace(/\/$/, "");

const KINDS = { 404: "gone", 410: "gone", 413: "large", 429: "limited", 502: "busy", 503: "busy", 504: "busy" };

/**
 * kind: one of KINDS, "offline" (nothing came back), "refused" (any other 4xx) or "failed".
 * retryAfter: seconds the service asks to wait, or null.
 */
export class ApiError extends Error {
	constructor(kind, sentence, retryAfter = null) {
		super(sentence);
		this.kind = kind;
		this.retryAfter = retryAfter;
	}
}

export const api = {
	options: () => json("/options"),
	images: (query) => json(`/images?${new URLSearchParams(query)}`),
	image: (uuid) => json(`/images/${uuid}`),
	deleteImage: (uuid, { keepalive = false } = {}) => request(`/images/${uuid}`, { method: "DELETE", keepalive }),
	notifications: (uuid) => json(`/notifications/${uuid}`),

	events: (uuid, signal) => request(`/images/${uuid}/events`, { headers: { accept: "text/event-stream" }, signal }),

	/** One more dither of a stored image; `options` without `channels`, which is in the path. */
	addDither: (uuid, channels, options) =>
		json(`/images/${uuid}/${channels}`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(options) }),

	/** → {blob, colours}: `file` dithered, its longer side at most `maxSize` pixels. */
	async preview(file, options, { maxSize, signal }) {
		const body = form(file, { options: JSON.stringify(options), max_size: maxSize });
		const response = await request("/preview", { method: "POST", body, signal });
		return { blob: await response.blob(), colours: Number(response.headers.get("x-dither-colours")) || null };
	},

	async blob(url) {
		return (await request(fileUrl(url), { credentials: "omit" })).blob();
	},

	/** `onProgress(sent)` in bytes: by XMLHttpRequest, because fetch tells none. */
	async upload(file, { email, options }, onProgress) {
		const fields = { options: JSON.stringify(options), ...(email ? { email } : {}) };
		const xhr = await withKey(() => send("/images", form(file, fields), onProgress));
		if (xhr.status < 300) return JSON.parse(xhr.responseText);
		throw problem(xhr.status, xhr.responseText, xhr.getResponseHeader("retry-after"));
	},
};

/**
 * Where this page gets a stored file: one that the service keeps itself from this origin, under
 * whatever name the page was opened.
 */
export function fileUrl(url) {
	const { pathname } = new URL(url, window.location.href);
	const file = pathname.startsWith(`${BASE}/`) ? pathname.slice(BASE.length) : pathname;
	return file.startsWith("/files/") ? BASE + file : url;
}

function form(file, fields) {
	const data = new FormData();
	data.append("file", file, file.name ?? "picture");
	for (const [name, value] of Object.entries(fields)) data.append(name, value);
	return data;
}

async function json(url, init) {
	return (await request(url, init)).json();
}

async function request(url, init = {}) {
	let response;
	try {
		response = await withKey(() => fetch(absolute(url), { ...init, headers: { ...init.headers, ...keyFor(url) } }));
	} catch (error) {
		throw error.name === "AbortError" ? error : new ApiError("offline", errors.offline);
	}
	if (response.ok) return response;
	throw problem(response.status, await response.text().catch(() => ""), response.headers.get("retry-after"));
}

function send(url, body, onProgress) {
	return new Promise((resolve, reject) => {
		const xhr = new XMLHttpRequest();
		xhr.open("POST", absolute(url));
		for (const [name, value] of Object.entries(keyFor(url))) xhr.setRequestHeader(name, value);
		xhr.upload.onprogress = (event) => onProgress(event.loaded);
		xhr.onerror = () => reject(new ApiError("offline", errors.offline));
		xhr.onload = () => resolve(xhr);
		xhr.send(body);
	});
}

/** Sends, and once more with the key when the service wants one. */
async function withKey(attempt) {
	for (;;) {
		const key = apiKey();
		const response = await attempt();
		if (response.status !== 401 || !(await askForKey(key))) return response;
	}
}

/** A path of the service's own, as the page reaches it. */
function absolute(url) {
	return url.startsWith("/") && !url.startsWith(`${BASE}/files/`) ? BASE + url : url;
}

/** The key is for this service alone: never for the host that stores the files. */
function keyFor(url) {
	return url.startsWith("/") && apiKey() ? { "x-api-key": apiKey() } : {};
}

function problem(status, body, retryAfter) {
	let sentence = "";
	try {
		const fields = JSON.parse(body);
		sentence = fields.detail || fields.title || "";
	} catch {
		// A proxy's page, or nothing: the status has to do.
	}
	const kind = KINDS[status] ?? (status < 500 ? "refused" : "failed");
	return new ApiError(kind, sentence || errors[kind], Number(retryAfter) || null);
}
