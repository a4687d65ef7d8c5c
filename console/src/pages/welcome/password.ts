// How good a new password is. The server has the last word about what it takes.

export const SHORTEST = 12;

export type Strength = { share: number; word: string; hint?: string };

/** `names`: what one signs in with. */
export function strength(password: string, names: string[]): Strength {
  const length = [...password].length;
  const different = new Set(password.toLowerCase()).size;
  const lower = password.trim().toLowerCase();
  const known = names.map((name) => name.trim().toLowerCase()).filter((name) => name.length > 2);
  if (length === 0) return { share: 0, word: '', hint: `At least ${SHORTEST} characters. Several words that do not belong together are easy to remember.` };
  if (length < SHORTEST) return { share: (50 * length) / SHORTEST / 2, word: 'Too short', hint: `${SHORTEST - length} more` };
  if (known.includes(lower)) return { share: 10, word: 'Not allowed', hint: 'It is what you sign in with.' };
  if (different < 6) return { share: 25, word: 'Weak', hint: 'It repeats a few characters.' };
  if (known.some((name) => lower.includes(name))) return { share: 40, word: 'Weak', hint: 'It has your name in it.' };
  if (length < 16) return { share: 65, word: 'Good', hint: 'Longer is better.' };
  return { share: 100, word: 'Strong' };
}

/** What is wrong with it, as far as it can be told here. */
export function passwordError(password: string, names: string[]): string | null {
  if ([...password].length < SHORTEST) return `At least ${SHORTEST} characters`;
  return names.some((name) => name.trim() && name.trim().toLowerCase() === password.trim().toLowerCase()) ? 'Must not be what you sign in with' : null;
}
