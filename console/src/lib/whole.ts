// Lists wanted whole, such as the tags one can choose from.
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
