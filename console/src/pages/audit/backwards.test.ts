import { expect, test } from 'vitest';
import type { Entry } from '../../api';
import { journalEnd, readBackwards } from './backwards';

/** A journal that answers as the server does: at most 5,000 entries looked at, `next_after` at the last one looked at. */
function journal(length: number) {
  const asked: number[] = [];
  const ask = ({ after, limit, kind }: { after: number; limit: number; kind?: string }) => {
    asked.push(after);
    const items: Entry[] = [];
    let at = after;
    for (; at < length && at - after < 5_000 && items.length < limit; at++) {
      const position = at + 1;
      if (kind === undefined || (kind === 'rare' && position % 7_000 === 1)) items.push({ position } as Entry);
    }
    return Promise.resolve({ items, next_after: at, at_end: at >= length });
  };
  return { ask, asked };
}
const positions = (items: Entry[]) => items.map(({ position }) => position);

test.each([0, 1, 4_999, 5_000, 5_001, 123_456, 1_000_000])('finds the end of a journal of %i in a few steps', async (length) => {
  const { ask, asked } = journal(length);
  expect(await journalEnd(undefined, ask)).toBe(length);
  expect(asked.length).toBeLessThan(30);
});

test('pages run from the newest to the first, each entry once', async () => {
  const { ask } = journal(130);
  const seen: number[] = [];
  let from: number | null = 130;
  while (from !== null) {
    const page = await readBackwards({}, from, 50, undefined, ask);
    seen.push(...positions(page.items));
    from = page.next_cursor === null ? null : Number(page.next_cursor);
  }
  expect(seen).toEqual(Array.from({ length: 130 }, (_, i) => 130 - i));
});

test('a filter that fits little is searched for far back', async () => {
  const { ask } = journal(20_000);
  const page = await readBackwards({ kind: 'rare' }, 20_000, 50, undefined, ask);
  expect(positions(page.items)).toEqual([14_001, 7_001, 1]);
  expect(page.next_cursor).toBeNull();
  const two = await readBackwards({ kind: 'rare' }, 20_000, 2, undefined, ask);
  expect(positions(two.items)).toEqual([14_001, 7_001]);
  expect(positions((await readBackwards({ kind: 'rare' }, Number(two.next_cursor), 2, undefined, ask)).items)).toEqual([1]);
});
