// The days of the trend, with a gap for each on which nothing was counted.
import type { TrendPoint } from '../../api';

export const DAYS = 60;
const DAY = 86_400_000;

export type Day = { date: string; point: TrendPoint | undefined };

/** The last `DAYS` days up to `today` (UTC), oldest first; days before the first one counted are left out. */
export function days(points: TrendPoint[], today: Date): Day[] {
  const known = new Map(points.map((point) => [point.date, point]));
  const all = Array.from({ length: DAYS }, (_, at) => {
    const date = new Date(today.getTime() - (DAYS - 1 - at) * DAY).toISOString().slice(0, 10);
    return { date, point: known.get(date) };
  });
  const first = all.findIndex(({ point }) => point);
  return first < 0 ? [] : all.slice(first);
}

const short = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short', timeZone: 'UTC' });
export const dayName = (date: string) => short.format(new Date(`${date}T00:00:00Z`));
