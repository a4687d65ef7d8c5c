import { expect, test } from 'vitest';
import { expiresAt } from './expiry';

const now = new Date('2026-03-01T12:00:00Z');

test('an expiry is some days from now, the end of a day, or never', () => {
  expect(expiresAt('30', '', now)).toBe('2026-03-31T12:00:00.000Z');
  expect(expiresAt('never', '', now)).toBeNull();
  expect(expiresAt('date', '2026-03-05', now)).toBe(new Date('2026-03-05T23:59:59').toISOString());
});

test('no date and a day that has passed are refused', () => {
  expect(expiresAt('date', '', now)).toBeUndefined();
  expect(expiresAt('date', '2026-02-27', now)).toBeUndefined();
});
