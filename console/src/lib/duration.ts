// Lengths of time in words, for dwell times and waits.

const UNITS: [string, number][] = [['d', 86_400], ['h', 3_600], ['min', 60], ['s', 1]];

/** `93784` seconds → `1 d 2 h`: the two largest units that count. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const at = UNITS.findIndex(([, length]) => whole >= length);
  if (at < 0) return '0 s';
  const parts = UNITS.slice(at, at + 2).map(([unit, length], i) => {
    const [, above] = UNITS[at - 1 + i] ?? ['', Infinity];
    return [Math.floor((i === 0 ? whole : whole % above) / length), unit] as const;
  });
  return parts.filter(([n]) => n > 0).map(([n, unit]) => `${n} ${unit}`).join(' ');
}
