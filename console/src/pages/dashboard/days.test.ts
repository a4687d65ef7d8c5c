import { expect, test } from 'vitest';
import type { TrendPoint } from '../../api';
import { DAYS, days } from './days';

const levels = { high: 0, medium: 0, low: 0, none: 0 };
const point = (date: string): TrendPoint => ({
  date, average_risk_score: 1.5, users_with_devices: 1, risky_users: 0, risky_devices: 0, users_by_risk_status: levels, open_incidents: levels,
});

test('a day without a count is a gap, not a zero; the chart begins with the first count', () => {
  const shown = days([point('2026-02-27'), point('2026-03-02')], new Date('2026-03-02T23:30:00Z'));
  expect(shown.map(({ date, point }) => [date, Boolean(point)])).toEqual([
    ['2026-02-27', true], ['2026-02-28', false], ['2026-03-01', false], ['2026-03-02', true],
  ]);
});

test('nothing older than the days asked for is shown', () => {
  const all = Array.from({ length: 90 }, (_, at) => point(new Date(Date.UTC(2026, 0, 1 + at)).toISOString().slice(0, 10)));
  const shown = days(all, new Date('2026-03-31T01:00:00Z'));
  expect([shown.length, shown[0]?.date, shown.at(-1)?.date]).toEqual([DAYS, '2026-01-31', '2026-03-31']);
  expect(days([], new Date())).toEqual([]);
});
