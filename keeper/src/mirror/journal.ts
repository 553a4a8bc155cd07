/** Maps whose changes can be taken back together. */

export type Journal = ReturnType<typeof createJournal>;

export function createJournal() {
  let undo: (() => void)[] = [];
  return {
    map<K, V>() {
      const rows = new Map<K, V>();
      const remember = (key: K) => {
        const had = rows.has(key);
        const before = rows.get(key);
        undo.push(() => {
          if (had && before !== undefined) rows.set(key, before);
          else rows.delete(key);
        });
      };
      return {
        rows: rows as ReadonlyMap<K, V>,
        set(key: K, value: V): void {
          remember(key);
          rows.set(key, value);
        },
        delete(key: K): void {
          remember(key);
          rows.delete(key);
        },
      };
    },
    /** What is changed from here until the next `begin` is taken back by the function returned. */
    begin(): () => void {
      const own: (() => void)[] = [];
      undo = own;
      return () => {
        while (own.length > 0) own.pop()?.();
      };
    },
  };
}
