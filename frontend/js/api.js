/** The service's HTTP interface. Every failure is an `ApiError` with a sentence for the user. */

import { apiKey, askForKey } from "./key.js";
import { errors } from "./strings.js";

/** The service's base path, without a slash at its end: the page may be served below a path. */
const BASE = new URL("..", import.meta.url).pathname.replace(/\/$/, "");

const JSON_BODY = { "content-type": "application/json" };
const KINDS = { 404: "gone", 410: "gone", 413: "large", 429: "limited", 502: "busy", 503: "busy", 504: "busy" };

/**
 * kind: one of KINDS, "offline" (no answer), "refused" (any other 4xx) or "failed".
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
	looks: () => json("/looks.json"),
	images: (query) => json(`/images?${new URLSearchParams(query)}`),
	image: (uuid) => json(`/images/${uuid}`),
	deleteImage: (uuid, { keepalive = false } = {}) => request(`/images/${uuid}`, { method: "DELETE", keepalive }),
	notifications: (uuid) => json(`/notifications/${uuid}`),

	events: (uuid, signal) => request(`/images/${uuid}/events`, { headers: { accept: "text/event-stream" }, signal }),

	/** One more dither of a stored image; `options` without `channels`, which is in the path. */
	addDither: (uuid, channels, options) =>
		json(`/images/${uuid}/${channels}`, { method: "POST", headers: JSON_BODY, body: JSON.stringify(options) }),

	/** → {blob, ms, width, height, frames}: a part of what would be saved, its transfer time, and the size of the whole. */
	async part(source, options, part, how = {}) {
		const response = await ask("part", source, { options, part, viewer: how.viewer }, how);
		const number = (name) => Number(response.headers.get(`x-dither-${name}`));
		const begun = performance.now();
		const blob = await response.blob();
		return { blob, ms: performance.now() - begun, width: number("width"), height: number("height"), frames: number("frames") };
	},

	/** → the whole picture as a file; the service does not store it. */
	async file(source, options, how = {}) {
		return (await ask("file", source, { options }, how)).blob();
	},

	/** → {source, width, height, frames, bytes, format, colours, palette} of the file that would be saved. */
	async facts(source, options, how = {}) {
		return (await ask("facts", source, { options }, how)).json();
	},

	/** → {colours} of a palette file or picture. */
	palette: (file) => json("/previews/palette", { method: "POST", body: form(file, {}) }),

	async blob(url) {
		return (await request(fileUrl(url), { credentials: "omit" })).blob();
	},

	/** Stores a picture. `onProgress(sent)` in bytes. */
	async upload(file, { email, options }, onProgress) {
		const fields = { options: JSON.stringify(options), ...(email ? { email } : {}) };
		return json("/images", { method: "POST", body: form(file, fields), onProgress });
	},
};

/**
 * Sends a request about a picture that the service holds in memory. The file is sent the first time,
 * and again if the service does not have it any more. `source.held` is the service's name for it.
 */
async function ask(answer, source, wish, { signal, onProgress } = {}) {
	const url = `/previews/${answer}`;
	if (source.held) {
		try {
			const body = JSON.stringify({ picture: source.held, ...wish });
			return await request(url, { method: "POST", headers: JSON_BODY, body, signal });
		} catch (error) {
			if (error.kind !== "gone") throw error;
			source.held = null;
		}
	}
	const response = await request(url, { method: "POST", body: form(source.file, { request: JSON.stringify(wish) }), signal, onProgress });
	source.held = response.headers.get("x-dither-picture");
	return response;
}

/**
 * The URL from which this page loads a stored file. A file that the service itself keeps is loaded
 * from the page's own origin, under any host name.
 */
export function fileUrl(url) {
	const { pathname, search } = new URL(url, window.location.href);
	const file = pathname.startsWith(`${BASE}/`) ? pathname.slice(BASE.length) : pathname;
	return file.startsWith("/files/") ? BASE + file + search : url;
}

/** Whether a browser can show the file; it cannot show one for a display's driver. */
export const isPicture = (url) => !/\.(bin|h)$/.test(url);

function form(file, fields) {
	const data = new FormData();
	data.append("file", file, file.name ?? "picture");
	for (const [name, value] of Object.entries(fields)) data.append(name, value);
	return data;
}

async function json(url, init) {
	return (await request(url, init)).json();
}

/** `init` as for fetch, and onProgress(sent), in bytes of the body. */
async function request(url, { onProgress, ...init } = {}) {
	let response;
	const send = onProgress ? sendWatched : fetch;
	try {
		response = await withKey(() => send(absolute(url), { ...init, headers: { ...init.headers, ...keyFor(url) } }, onProgress));
	} catch (error) {
		throw error.name === "AbortError" ? error : new ApiError("offline", errors.offline);
	}
	if (response.ok) return response;
	throw problem(response.status, await response.text().catch(() => ""), response.headers.get("retry-after"));
}

/** Like fetch, but with XMLHttpRequest: fetch does not report how much it has sent. */
function sendWatched(url, { method, headers, body, signal }, onProgress) {
	return new Promise((resolve, reject) => {
		const xhr = new XMLHttpRequest();
		xhr.open(method, url);
		xhr.responseType = "blob";
		for (const [name, value] of Object.entries(headers)) xhr.setRequestHeader(name, value);
		xhr.upload.onprogress = (event) => onProgress(event.loaded);
		xhr.onerror = () => reject(new TypeError("network"));
		xhr.onload = () => resolve(responseOf(xhr));
		signal?.addEventListener("abort", () => {
			xhr.abort();
			reject(signal.reason);
		});
		xhr.send(body);
	});
}

function responseOf(xhr) {
	const headers = [...xhr.getAllResponseHeaders().matchAll(/^(.+?): (.*)$/gm)].map(([, name, value]) => [name, value.trim()]);
	return new Response(xhr.response, { status: xhr.status, headers });
}

/** Sends a request, and repeats it with the API key if the service requires one. */
async function withKey(attempt) {
	for (;;) {
		const key = apiKey();
		const response = await attempt();
		if (response.status !== 401 || !(await askForKey(key))) return response;
	}
}

/** The URL of a path of the service. */
function absolute(url) {
	return url.startsWith("/") && !url.startsWith(`${BASE}/files/`) ? BASE + url : url;
}

/** The key is sent only to this service, never to the host that stores the files. */
function keyFor(url) {
	return url.startsWith("/") && apiKey() ? { "x-api-key": apiKey() } : {};
}

function problem(status, body, retryAfter) {
	let sentence = "";
	try {
		const fields = JSON.parse(body);
		sentence = fields.detail || fields.title || "";
	} catch {
		// The body is empty or an HTML page of a proxy: only the status is known.
	}
	const kind = KINDS[status] ?? (status < 500 ? "refused" : "failed");
	return new ApiError(kind, sentence || errors[kind], Number(retryAfter) || null);
}
