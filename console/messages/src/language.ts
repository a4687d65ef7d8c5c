// The words of the app. A language is one file in `languages`: its name is the language's tag.
import type english from './languages/en.json';

export type Words = typeof english;
/** `things` stands for `things.one`, `things.other` and what else the language distinguishes. */
type Plural<K> = K extends `${infer Base}.other` ? Base : never;
export type Key = keyof Words | Plural<keyof Words>;

const FILES = import.meta.glob<Record<string, string>>('./languages/*.json', { eager: true, import: 'default' });
export const LANGUAGES: Record<string, Record<string, string>> = Object.fromEntries(
  Object.entries(FILES).map(([path, words]) => [path.replace(/^.*\/|\.json$/g, ''), words]),
);
const FALLBACK = 'en';

/** The first of `wanted` that there is, be it another region's. */
export function choose(wanted: readonly (string | null | undefined)[], there = Object.keys(LANGUAGES)): string {
  for (const tag of wanted) {
    // As a `Locale` it is `de_AT` in some directories.
    for (let part = (tag ?? '').replace(/_/g, '-').toLowerCase(); part; part = part.slice(0, Math.max(0, part.lastIndexOf('-')))) {
      const found = there.find((each) => each.toLowerCase() === part);
      if (found) return found;
    }
  }
  return FALLBACK;
}

export interface Language {
  tag: string;
  direction: 'ltr' | 'rtl';
  /** The words for a key, with `{names}` filled in; `count` also chooses the form. */
  t(key: Key, values?: Record<string, string | number>): string;
  /** `today at 14:02`. */
  when(at: string | number, now: number): string;
}

export function language(tag: string): Language {
  const words = LANGUAGES[tag] ?? LANGUAGES[FALLBACK] ?? {};
  const plural = new Intl.PluralRules(tag);
  const number = new Intl.NumberFormat(tag);
  const time = new Intl.DateTimeFormat(tag, { timeStyle: 'short' });
  const date = new Intl.DateTimeFormat(tag, { dateStyle: 'medium' });
  const t: Language['t'] = (key, values = {}) => {
    const form = typeof values.count === 'number' ? words[`${key}.${plural.select(values.count)}`] : undefined;
    const text = form ?? words[key] ?? words[`${key}.other`] ?? key;
    return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
      const value = values[name];
      return value === undefined ? whole : typeof value === 'number' ? number.format(value) : value;
    });
  };
  return {
    tag,
    direction: words._direction === 'rtl' ? 'rtl' : 'ltr',
    t,
    when(at, now) {
      const then = new Date(at);
      const day = (ms: number) => new Date(ms).setHours(0, 0, 0, 0);
      const days = Math.round((day(now) - day(then.getTime())) / 86_400_000);
      const key = days === 0 ? 'when.today' : days === 1 ? 'when.yesterday' : 'when.date';
      return t(key, { time: time.format(then), date: date.format(then) });
    },
  };
}
