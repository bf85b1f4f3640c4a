/** The service's HTTP interface. Every failure is an `ApiError` with a sentence for the person. */

import { strings } from "./strings.js";

/**
 * kind: "offline" (nothing came back), "limited" (429), "busy" (502–504), "gone" (404, 410),
 * "large" (413), "refused" (any other 4xx) or "failed".
 * retryAfter: seconds the service asks to wait, or null.
 */
export class ApiError extends Error {
  constructor(kind, sentence, { status = 0, retryAfter = null } = {}) {
    super(sentence);
    this.kind = kind;
    this.status = status;
    this.retryAfter = retryAfter;
  }

  /** Whether the same request may succeed later. */
  get temporary() {
    return ["offline", "limited", "busy", "failed"].includes(this.kind);
  }
}

export const api = {
  options: () => json("/options"),
  images: ({ cursor, limit }) => json(`/images?${new URLSearchParams({ limit, ...(cursor ? { cursor } : {}) })}`),
  image: (uuid) => json(image(uuid)),
  deleteImage: (uuid, { keepalive = false } = {}) => request(image(uuid), { method: "DELETE", keepalive }),
  notifications: (uuid) => json(`/notifications/${encodeURIComponent(uuid)}`),
  eventsUrl: (uuid) => `${image(uuid)}/events`,

  /** One more dither of a stored image; `options` without `channels`, which is in the path. */
  addDither: (uuid, channels, options) =>
    json(`${image(uuid)}/${channels}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(options),
    }),

  /** → {blob, colours}: `file` dithered, its longer side at most `maxSize` pixels. */
  async preview(file, options, { maxSize, signal }) {
    const form = new FormData();
    form.append("file", file, file.name ?? "picture");
    form.append("options", JSON.stringify(options));
    form.append("max_size", String(maxSize));
    const response = await request("/preview", { method: "POST", body: form, signal });
    const colours = Number(response.headers.get("x-dither-colours")) || null;
    return { blob: await response.blob(), colours };
  },

  async blob(url) {
    return (await request(fileUrl(url), { credentials: "omit" })).blob();
  },

  /** Upload with progress: `onProgress(sent, total)` in bytes. XMLHttpRequest, because fetch tells none. */
  upload(file, { email, options }, onProgress) {
    const form = new FormData();
    form.append("file", file, file.name);
    form.append("options", JSON.stringify(options));
    if (email) form.append("email", email);
    return new Promise((resolve, reject) => {
      const xhr = new XMLHttpRequest();
      xhr.open("POST", "/images");
      xhr.responseType = "text";
      xhr.upload.onprogress = (event) => onProgress(Math.min(event.loaded, file.size), file.size);
      xhr.onerror = () => reject(new ApiError("offline", strings.errors.offline));
      xhr.onload = () => {
        if (xhr.status < 300) resolve(JSON.parse(xhr.responseText));
        else reject(problem(xhr.status, xhr.responseText, xhr.getResponseHeader("retry-after")));
      };
      xhr.send(form);
    });
  },
};

/**
 * Where this page gets a stored file: files that the service keeps itself come from this origin,
 * under whatever name the page was opened (localhost, an address, a proxy's).
 */
export function fileUrl(url) {
  const { pathname } = new URL(url, window.location.href);
  return pathname.startsWith("/files/") ? pathname : url;
}

function image(uuid) {
  return `/images/${encodeURIComponent(uuid)}`;
}

async function json(url, init) {
  return (await request(url, init)).json();
}

async function request(url, init = {}) {
  let response;
  try {
    response = await fetch(url, init);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError("offline", strings.errors.offline);
  }
  if (response.ok) return response;
  throw problem(response.status, await response.text().catch(() => ""), response.headers.get("retry-after"));
}

function problem(status, body, retryAfter) {
  let sentence = "";
  try {
    const fields = JSON.parse(body);
    sentence = fields.detail || fields.title || "";
  } catch {
    // Not problem+json: a proxy's page, or nothing. The status alone has to do.
  }
  const seconds = Number(retryAfter);
  const kind = kindOf(status);
  return new ApiError(kind, sentence || strings.errors[kind], {
    status,
    retryAfter: retryAfter && Number.isFinite(seconds) ? seconds : null,
  });
}

function kindOf(status) {
  if (status === 429) return "limited";
  if (status === 413) return "large";
  if (status === 404 || status === 410) return "gone";
  if (status >= 502 && status <= 504) return "busy";
  return status < 500 ? "refused" : "failed";
}
