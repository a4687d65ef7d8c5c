// Lists: filters, sort and page are in the address, the server does the work.
import { useNavigate, useRouterState, useSearch } from '@tanstack/react-router';
import { one, type Param, search, text, type Values } from './search';

declare module '@tanstack/react-router' {
  interface HistoryState {
    /** The cursors of the pages before this one, first page first; '' is the first page's. */
    cursors?: string[];
  }
}

type Params = Record<string, Param<unknown>>;

/** What a list can be asked for: `sorts` and `filters` as the API names them. `validate` is for the route. */
export function listSearch<F extends Params, S extends string>({ sorts, filters }: { sorts: readonly S[]; filters: F }) {
  const sort = one<S | `-${S}`>(sorts.flatMap((by) => [by, `-${by}` as const]));
  const readFilters = search(filters);
  const readPage = search({ sort, cursor: text });
  const validate = (raw: Record<string, unknown>): Values<F> & { sort?: S | `-${S}`; cursor?: string } => ({
    ...readFilters(raw),
    ...readPage(raw),
  });
  return { sorts, validate, readFilters };
}

export type ListSpec<F extends Params, S extends string> = ReturnType<typeof listSearch<F, S>>;
export type List<F extends Params = Params, S extends string = string> = ReturnType<typeof useListSearch<F, S>>;

/** The state of the list on this page and everything that changes it. `query` goes to the API as it is. */
export function useListSearch<F extends Params, S extends string>(spec: ListSpec<F, S>) {
  const raw = useSearch({ strict: false }) as Record<string, unknown>;
  const navigate = useNavigate();
  const cursors = useRouterState({ select: (state) => state.location.state.cursors ?? [] });
  const query = spec.validate(raw);
  const filters = spec.readFilters(raw);
  const { sort, cursor } = query as { sort?: string; cursor?: string };

  const go = (patch: Record<string, unknown>, before: string[], replace: boolean) =>
    void navigate({
      to: '.',
      search: ((now: Record<string, unknown>) => ({ ...now, ...patch })) as never,
      state: (now) => ({ ...now, cursors: before }),
      replace,
    });
  const change = (patch: Record<string, unknown>) => go({ ...patch, cursor: undefined }, [], true);

  return {
    query,
    filters,
    /** Whether any filter is set. */
    filtered: Object.keys(filters).length > 0,
    setFilters: (patch: Values<F>) => change(patch),
    clearFilters: () => change(Object.fromEntries(Object.keys(filters).map((key) => [key, undefined]))),
    sorts: spec.sorts,
    sortedBy: sort?.replace('-', '') as S | undefined,
    descending: sort?.startsWith('-') ?? false,
    sortBy: (by: S | undefined, descending = false) => change({ sort: by && (descending ? `-${by}` : by) }),
    /** Which page this is, from 1; unknown when somebody followed a link into the middle of the list. */
    page: cursor && cursors.length === 0 ? undefined : cursors.length + 1,
    onFirstPage: !cursor,
    next: (to: string) => go({ cursor: to }, [...(cursor && cursors.length === 0 ? [''] : cursors), cursor ?? ''], false),
    back: () => go({ cursor: cursors.at(-1) || undefined }, cursors.slice(0, -1), false),
  };
}
