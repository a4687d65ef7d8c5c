// How the state of a page is written in its address: plain parameters, repeated for several values, with the names the
// API uses for them.

export type RawSearch = Record<string, string | string[]>;

export function parseSearch(query: string): RawSearch {
  const raw: RawSearch = {};
  for (const [key, value] of new URLSearchParams(query)) {
    const before = raw[key];
    raw[key] = before === undefined ? value : [before, value].flat();
  }
  return raw;
}

export function stringifySearch(search: Record<string, unknown>): string {
  const params = new URLSearchParams();
  for (const [key, value] of Object.entries(search)) {
    for (const one of [value].flat()) if (one !== undefined && one !== null && one !== '') params.append(key, String(one));
  }
  const text = params.toString();
  return text && `?${text}`;
}

/** Reads one parameter; what makes no sense is left out. */
export type Param<T> = (raw: unknown) => T | undefined;

const first = (raw: unknown) => (Array.isArray(raw) ? raw[0] : raw);
export const text: Param<string> = (raw) => {
  const value = first(raw);
  return typeof value === 'string' && value !== '' ? value : undefined;
};
/** A moment; what is none is left out. */
export const moment: Param<string> = (raw) => {
  const value = text(raw);
  return value && !Number.isNaN(Date.parse(value)) ? value : undefined;
};
export const flag: Param<boolean> = (raw) => {
  const value = String(first(raw));
  return value === 'true' ? true : value === 'false' ? false : undefined;
};
export const one =
  <T extends string>(values: readonly T[]): Param<T> =>
  (raw) =>
    values.find((value) => value === first(raw));
export const many =
  <T extends string>(values: readonly T[]): Param<T[]> =>
  (raw) => {
    const given = [raw].flat();
    const known = values.filter((value) => given.includes(value));
    return known.length ? known : undefined;
  };

type Params = Record<string, Param<unknown>>;
export type Values<P extends Params> = { [K in keyof P]?: NonNullable<ReturnType<P[K]>> };

/** The `validateSearch` of a page without a list. */
export const search =
  <P extends Params>(params: P) =>
  (raw: Record<string, unknown>): Values<P> => {
    const values: Record<string, unknown> = {};
    for (const [key, read] of Object.entries(params)) {
      const value = read(raw[key]);
      if (value !== undefined) values[key] = value;
    }
    return values as Values<P>;
  };
