import { expect, test } from 'vitest';
import type { IndicatorSet } from '../../api';
import { awaited, fileProblem, intervals } from './sets';

const set = { loading: false, next_check_at: null } as IndicatorSet;

test('a set is awaited while it is taken in, or its next look is due', () => {
  expect(awaited(set)).toBe(false);
  expect(awaited({ ...set, loading: true })).toBe(true);
  expect(awaited({ ...set, next_check_at: '2020-01-01T00:00:00Z' })).toBe(true);
  expect(awaited({ ...set, next_check_at: '2999-01-01T00:00:00Z' })).toBe(false);
});

test('an interval that is none of the usual ones can be kept', () => {
  expect(intervals(86_400).map(({ label }) => label)).toEqual(['Every hour', 'Every 6 hours', 'Every day', 'Every week']);
  expect(intervals(5_400)[1]).toEqual({ value: '5400', label: 'Every 1 h 30 min' });
});

test('a content has at least a byte and at most 64 MiB', () => {
  expect(fileProblem({ size: 1 })).toBeNull();
  expect(fileProblem({ size: 64 * 1024 * 1024 })).toBeNull();
  for (const wrong of [null, { size: 0 }, { size: 64 * 1024 * 1024 + 1 }]) expect(fileProblem(wrong)).not.toBeNull();
});
