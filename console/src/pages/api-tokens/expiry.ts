// How long a token is to be good for.

export const EXPIRIES = [
  { value: '7', label: 'A week' },
  { value: '30', label: '30 days' },
  { value: '90', label: '90 days' },
  { value: '365', label: 'A year' },
  { value: 'date', label: 'Until a date' },
  { value: 'never', label: 'Without an end' },
];

/** The moment chosen; null for never, undefined where the date makes no sense or has passed. A date counts to its end. */
export function expiresAt(choice: string, date: string, now: Date): string | null | undefined {
  if (choice === 'never') return null;
  const end = choice === 'date' ? new Date(`${date}T23:59:59`) : new Date(now.getTime() + Number(choice) * 86_400_000);
  return Number.isNaN(end.getTime()) || end <= now ? undefined : end.toISOString();
}
