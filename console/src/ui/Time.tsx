// A moment, relative to now, with the exact time on hover.
import { useSyncExternalStore } from 'react';

const relative = new Intl.RelativeTimeFormat(undefined, { numeric: 'auto', style: 'short' });
const absolute = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
const UNITS: [Intl.RelativeTimeFormatUnit, number][] = [
  ['year', 31_557_600], ['month', 2_629_800], ['week', 604_800], ['day', 86_400], ['hour', 3_600], ['minute', 60], ['second', 1],
];

// One clock for all of them, running while any is shown.
let now = Date.now();
let timer: ReturnType<typeof setInterval> | undefined;
const listeners = new Set<() => void>();
function subscribe(listener: () => void) {
  listeners.add(listener);
  if (!timer) now = Date.now();
  timer ??= setInterval(() => {
    now = Date.now();
    for (const each of listeners) each();
  }, 15_000);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) {
      clearInterval(timer);
      timer = undefined;
    }
  };
}
const snapshot = () => now;

/** `seconds` from now, negative for the past. */
export function relativeTime(seconds: number): string {
  const size = Math.abs(seconds);
  const [unit, length] = UNITS.find(([, length]) => size >= length) ?? ['second', 1];
  return relative.format(Math.round(seconds / length), unit);
}

export function Time({ at }: { at: string | null | undefined }) {
  const current = useSyncExternalStore(subscribe, snapshot);
  if (!at) return <span aria-label="never">–</span>;
  const moment = new Date(at);
  return (
    <time dateTime={at} title={absolute.format(moment)}>
      {relativeTime(Math.round((moment.getTime() - current) / 1000))}
    </time>
  );
}
