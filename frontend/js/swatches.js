/** Small live pictures of what an option would do, made a few at a time and only when seen. */

import { api } from "./api.js";
import { h } from "./dom.js";

export const SWATCH = { width: 108, height: 72 };
/** One only: a slow method's swatch must not take the last place of the service's previews. */
const AT_ONCE = 1;
const MOST = 400;

export function createSwatches(store) {
  const made = new Map(); // key → object URL, oldest first
  const queue = [];
  let working = 0;

  const seen = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      target.swatch.visible = isIntersecting;
      if (isIntersecting) refresh(target);
    }
  });

  /** An image element; `options()` gives the options it shows, or null for none. */
  function swatch(options) {
    const element = h("img", { class: "swatch pending", alt: "", width: SWATCH.width, height: SWATCH.height });
    element.swatch = { options, visible: false, key: null };
    seen.observe(element);
    return element;
  }

  function refresh(element) {
    const options = element.swatch.options();
    const source = store.get("source");
    if (!source?.bitmap || !options) return;
    const key = JSON.stringify([source.id, options]);
    if (element.swatch.key === key) return;
    element.swatch.key = key;
    if (made.has(key)) show(element, made.get(key));
    else {
      queue.push({ element, key, source, options });
      work();
    }
  }

  async function work() {
    // The big picture goes first: swatches wait while it is being made.
    if (working >= AT_ONCE || store.get("busy")) return;
    const job = queue.shift();
    if (!job) return;
    if (job.element.swatch.key !== job.key || !job.element.swatch.visible || job.source !== store.get("source")) {
      if (job.element.swatch.key === job.key) job.element.swatch.key = null;
      return work();
    }
    working += 1;
    try {
      const file = await job.source.swatch(SWATCH.width, SWATCH.height);
      const { blob } = await api.preview(file, job.options, { maxSize: SWATCH.width });
      keep(job.key, URL.createObjectURL(blob));
      if (job.element.swatch.key === job.key) show(job.element, made.get(job.key));
    } catch {
      // A swatch is a hint; what is wrong is said where the big picture is.
      if (job.element.swatch.key === job.key) job.element.swatch.key = null;
    } finally {
      working -= 1;
      work();
    }
  }

  function keep(key, url) {
    made.set(key, url);
    if (made.size <= MOST) return;
    const [oldest, old] = made.entries().next().value;
    URL.revokeObjectURL(old);
    made.delete(oldest);
  }

  store.on(["busy"], () => {
    for (let i = 0; i < AT_ONCE; i += 1) work();
  });

  return {
    swatch,
    /** Makes the swatches of `elements` anew where their options have changed. */
    refresh: (elements) => [...elements].filter((element) => element.swatch.visible).forEach(refresh),
  };
}

function show(element, url) {
  element.src = url;
  element.classList.remove("pending");
}
