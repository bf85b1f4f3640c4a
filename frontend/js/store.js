/** A few named values, and who wants to know when they change. */

export function createStore(initial) {
  const values = { ...initial };
  const listeners = new Map();

  return {
    get: (key) => values[key],

    /** Sets values, then tells each listener of a changed key once. */
    set(changes) {
      const called = new Set();
      for (const [key, value] of Object.entries(changes)) {
        if (Object.is(values[key], value)) delete changes[key];
        values[key] = value;
      }
      for (const key of Object.keys(changes)) {
        for (const listener of listeners.get(key) ?? []) called.add(listener);
      }
      for (const listener of called) listener(values);
    },

    /** Calls `listener(values)` after any of `keys` changed. Returns a function that ends that. */
    on(keys, listener) {
      for (const key of keys) {
        if (!listeners.has(key)) listeners.set(key, new Set());
        listeners.get(key).add(listener);
      }
      return () => keys.forEach((key) => listeners.get(key).delete(listener));
    },
  };
}
