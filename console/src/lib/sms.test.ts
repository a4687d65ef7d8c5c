import { expect, test } from 'vitest';
import { smsLength } from './sms';

test.each([
  ['', 'gsm7', 0, true],
  ['a'.repeat(160), 'gsm7', 160, true],
  ['a'.repeat(161), 'gsm7', 161, false],
  ['€'.repeat(80), 'gsm7', 160, true],
  [`${'€'.repeat(80)}a`, 'gsm7', 161, false],
  ['Übergröße: ¿qué? @ Ω', 'gsm7', 20, true],
  ['[a]\n~', 'gsm7', 8, true],
  ['ы'.repeat(70), 'ucs2', 70, true],
  ['ы'.repeat(71), 'ucs2', 71, false],
  [`${'a'.repeat(70)}ы`, 'ucs2', 71, false],
  ['😀'.repeat(35), 'ucs2', 70, true],
  ['😀'.repeat(36), 'ucs2', 72, false],
  ['ç’`', 'ucs2', 3, true],
] as const)('%s', (text, alphabet, units, fits) => {
  expect(smsLength(text)).toMatchObject({ alphabet, units, fits, limit: alphabet === 'gsm7' ? 160 : 70 });
});

test('names each character that makes the message shorter once', () => {
  expect(smsLength('It’s – “fine” – isn’t it').foreign).toEqual(['’', '–', '“', '”']);
});
