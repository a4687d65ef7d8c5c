// Reads the journal from its end towards its beginning; the API gives it oldest first, in positions without gaps.
import { type Entry, readJournal } from '../../api';

export type AuditFilters = { kind?: string; change?: string; device_id?: string };
type Page = { items: Entry[]; next_cursor: string | null };
type Read = (query: AuditFilters & { after: number; limit: number }, signal?: AbortSignal) => Promise<{ items: Entry[]; next_after: number; at_end: boolean }>;

const read: Read = async (query, signal) => (await readJournal({ query, signal, throwOnError: true })).data;

const PAGE = 50;
/** What the server looks through at most for one answer. */
const FAR = 5_000;
/** Answers after which a page may stay short, as long as there is something on it. */
const PATIENCE = 12;
// Fits no entry, so that an answer says only how far the journal goes.
const NOTHING = { kind: '-', limit: 1 };

/** The position of the newest entry. */
export async function journalEnd(signal?: AbortSignal, ask: Read = read): Promise<number> {
  // The end is at or after `low` and before `high`.
  let [low, high, leap, at] = [0, Infinity, FAR, 0];
  for (;;) {
    const { next_after, at_end } = await ask({ ...NOTHING, after: at }, signal);
    if (at_end && (next_after > at || at === low)) return next_after;
    if (at_end) high = at;
    else low = next_after;
    if (high === Infinity) {
      at = low + leap;
      leap *= 4;
    } else {
      at = high - low <= FAR ? low : Math.floor((low + high) / 2);
    }
  }
}

/** The entries at and before a position, newest first. The cursor is the position to go on from. */
export async function readBackwards(filters: AuditFilters, from: number, size = PAGE, signal?: AbortSignal, ask: Read = read): Promise<Page> {
  const found: Entry[] = [];
  let to = from;
  let width = size;
  for (let asked = 0; to > 0 && found.length < size && (asked < PATIENCE || found.length === 0); width = Math.min(width * 4, FAR)) {
    const start = Math.max(0, to - width);
    const part: Entry[] = [];
    for (let after = start; after < to; asked++) {
      const { items, next_after, at_end } = await ask({ ...filters, after, limit: Math.min(500, to - after) }, signal);
      part.push(...items.filter(({ position }) => position <= to));
      if (at_end || next_after <= after) break;
      after = next_after;
    }
    found.push(...part.reverse());
    to = start;
  }
  const items = found.slice(0, size);
  const oldest = found.length > size ? (items.at(-1)?.position ?? 1) - 1 : to;
  return { items, next_cursor: oldest > 0 ? String(oldest) : null };
}
