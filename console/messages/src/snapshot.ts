// Brings what is kept up to date with the server: sends what was read, fetches the state and the messages if they have
// changed. Used by the page, and by the service worker when a push arrives.
import * as api from './api';
import type { OwnMessage } from '../../src/api/types.gen';
import type { Kept, Snapshot } from './kept';

/** Notes that a message was read; `flush` tells the server. */
export async function markRead(kept: Kept, id: string, now: Date): Promise<void> {
  await kept.update('reads', (reads = []) => (reads.includes(id) ? reads : [...reads, id]));
  await kept.update('snapshot', (old) => {
    if (!old) return old;
    const unread = old.messages.some((message) => message.id === id && !message.read_at) ? Math.max(0, old.state.unread - 1) : old.state.unread;
    const messages = old.messages.map((message) => (message.id === id && !message.read_at ? { ...message, read_at: now.toISOString() } : message));
    return { ...old, messages, state: { ...old.state, unread } };
  });
}

/** Refusals that say nothing about the message itself. */
const LATER = [401, 403, 429];

/** Tells the server what was read. What it cannot be told now stays for the next time. */
export async function flush(kept: Kept): Promise<void> {
  for (const id of (await kept.get('reads')) ?? []) {
    try {
      await api.read(id);
    } catch (error) {
      // What the server will never take, as of a message that is gone, needs no more telling.
      if (!(error instanceof api.Refused) || LATER.includes(error.status)) throw error;
    }
    await kept.update('reads', (reads = []) => reads.filter((one) => one !== id));
  }
}

/** The newest page before what was there; older ones are kept if nothing can be missing in between. */
export function merge(old: Pick<Snapshot, 'messages' | 'next_cursor'> | undefined, page: { items: OwnMessage[]; next_cursor: string | null }): Pick<Snapshot, 'messages' | 'next_cursor'> {
  const fresh = new Set(page.items.map((message) => message.id));
  const joins = !page.next_cursor || old?.messages.some((message) => fresh.has(message.id));
  if (!old || !joins || !page.next_cursor) return { messages: page.items, next_cursor: page.next_cursor };
  return { messages: [...page.items, ...old.messages.filter((message) => !fresh.has(message.id))], next_cursor: old.next_cursor };
}

/** What the server knows now; `Unreachable` or `Refused` is thrown, and what is kept stays. */
export async function refresh(kept: Kept, now: () => number): Promise<Snapshot> {
  await flush(kept);
  const old = await kept.get('snapshot');
  const language = await kept.get('language');
  const same = old && old.asked === language;
  const answer = await api.state(same ? old.etag : undefined, language);
  const page = answer || !old ? await api.messages() : undefined;
  const at = now();
  let result: Snapshot | undefined;
  await kept.update('snapshot', (last) => {
    if (answer && page) {
      // What was read while this was fetched stays read.
      const read = new Map(last?.messages.map((message) => [message.id, message.read_at]));
      const forgotten = page.items.filter((message) => !message.read_at && read.get(message.id));
      const items = page.items.map((message) => ({ ...message, read_at: message.read_at ?? read.get(message.id) ?? null }));
      const state = { ...answer.state, unread: Math.max(0, answer.state.unread - forgotten.length) };
      result = { ...merge(last, { ...page, items }), state, etag: answer.etag, asked: language, at };
    }
    else if (last) result = { ...last, at };
    return result ?? last;
  });
  if (!result) throw new api.Unreachable();
  return result;
}

/** Fetches messages older than those that are there. */
export async function older(kept: Kept): Promise<Snapshot | undefined> {
  const cursor = (await kept.get('snapshot'))?.next_cursor;
  if (!cursor) return undefined;
  const page = await api.messages(cursor);
  await kept.update('snapshot', (last) => {
    if (!last || last.next_cursor !== cursor) return last;
    const known = new Set(last.messages.map((message) => message.id));
    return { ...last, messages: [...last.messages, ...page.items.filter((message) => !known.has(message.id))], next_cursor: page.next_cursor };
  });
  return kept.get('snapshot');
}
