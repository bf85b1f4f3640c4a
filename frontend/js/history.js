/** Undo and redo of the options. Steps of one slider in one go count as one. */

const TOGETHER_MS = 700;
const MOST = 200;

export function createHistory(initial, now = () => performance.now()) {
  let past = [];
  let present = initial;
  let future = [];
  let last = { key: null, at: -Infinity };

  return {
    get present() {
      return present;
    },
    get canUndo() {
      return past.length > 0;
    },
    get canRedo() {
      return future.length > 0;
    },

    /** `key` names what is being changed: quick changes of the same key make one step. */
    push(options, key = null) {
      if (JSON.stringify(options) === JSON.stringify(present)) return;
      const together = key !== null && key === last.key && now() - last.at < TOGETHER_MS && past.length > 0;
      if (!together) past = [...past.slice(-MOST), present];
      present = options;
      future = [];
      last = { key, at: now() };
    },

    undo() {
      if (past.length === 0) return present;
      future = [present, ...future];
      present = past.pop();
      last.key = null;
      return present;
    },

    redo() {
      if (future.length === 0) return present;
      past.push(present);
      [present, ...future] = future;
      last.key = null;
      return present;
    },
  };
}
