// Lists of rules: there are few of them, so the whole list is fetched and then filtered, sorted and paged here, with the
// same addresses as lists that the server pages.
import { keepPreviousData, type QueryKey, useQuery } from '@tanstack/react-query';
import { allItems, type Problem } from './api';

type Fetch<T> = (cursor: string | undefined, signal: AbortSignal) => ReturnType<Parameters<typeof allItems<T>>[0]>;

/** Every item of a list. `queryKey` is the generated one, so that a change of the list refreshes this too. */
export function useWhole<T>(queryKey: QueryKey, fetchPage: Fetch<T>, enabled = true) {
  return useQuery<T[], Problem>({
    queryKey: [...queryKey, 'all'],
    queryFn: async ({ signal }) => {
      const all: T[] = [];
      for await (const items of allItems<T>((cursor) => fetchPage(cursor, signal))) all.push(...items);
      return all;
    },
    placeholderData: keepPreviousData,
    enabled,
  });
}

const PAGE = 50;

/** The page of `rows` that begins at `cursor`, as the API would answer it. */
export function pageOf<T>(rows: T[] | undefined, cursor: string | undefined) {
  const from = Math.max(0, Math.trunc(Number(cursor)) || 0);
  const to = from + PAGE;
  return rows && { items: rows.slice(from, to), next_cursor: to < rows.length ? String(to) : null };
}

const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' });

/** Sorted by what `by` gives; numbers as numbers, words as people read them. */
export function sorted<T>(rows: T[], by: (row: T) => string | number, descending: boolean): T[] {
  const sign = descending ? -1 : 1;
  return [...rows].sort((a, b) => {
    const [x, y] = [by(a), by(b)];
    return sign * (typeof x === 'number' && typeof y === 'number' ? x - y : collator.compare(String(x), String(y)));
  });
}

/** Whether every word typed is in one of the texts. */
export function mentions(typed: string | undefined, ...texts: (string | null | undefined)[]): boolean {
  const text = texts.join(' ').toLowerCase();
  return (typed ?? '').toLowerCase().split(/\s+/).every((word) => text.includes(word));
}
