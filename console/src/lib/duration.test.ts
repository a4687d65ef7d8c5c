import { expect, test } from 'vitest';
import { duration } from './duration';

test.each([
  [0, '0 s'], [-5, '0 s'], [59, '59 s'], [60, '1 min'], [61, '1 min 1 s'], [3_600, '1 h'], [3_661, '1 h 1 min'],
  [86_399, '23 h 59 min'], [86_400, '1 d'], [93_784, '1 d 2 h'], [86_400 + 59, '1 d'],
])('%d seconds are %s', (seconds, text) => expect(duration(seconds)).toBe(text));
