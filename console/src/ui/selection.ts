// Rows chosen in a list; they stay chosen from page to page.
import { useMemo, useState } from 'react';

export type Selection<T> = ReturnType<typeof useSelection<T>>;

export function useSelection<T>(idOf: (row: T) => string) {
  const [chosen, setChosen] = useState<ReadonlyMap<string, T>>(new Map());
  return useMemo(
    () => ({
      size: chosen.size,
      rows: () => [...chosen.values()],
      has: (row: T) => chosen.has(idOf(row)),
      set: (rows: T[], on: boolean) =>
        setChosen((before) => {
          const after = new Map(before);
          for (const row of rows) {
            if (on) after.set(idOf(row), row);
            else after.delete(idOf(row));
          }
          return after;
        }),
      clear: () => setChosen(new Map()),
    }),
    [chosen, idOf],
  );
}
