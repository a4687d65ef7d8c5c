// How the phone stands, in words; and that every language has all of them.
import { expect, test } from 'vitest';
import type { DeviceState } from '../../src/api/types.gen';
import { check, glance, isAllClear, PATIENCE, toDo } from './glance';
import { choose, language, LANGUAGES } from './language';
import { issue, state } from './testing';

test.each<[string, Partial<DeviceState>]>([
  ['well', {}],
  ['well', { compliance: 'unknown' }],
  ['to_do', { issues: [issue('a')] }],
  ['to_do', { protection_status: 'deactivated' }],
  ['to_do', { compliance: 'not_compliant' }],
  ['restricted', { issues: [issue('a')], restrictions: ['Work mail'] }],
  ['restricted', { protection_status: 'disconnected', restrictions: ['Work mail'] }],
  ['lifting', { restrictions: ['Work mail'] }],
])('at a glance it is %s', (expected, change) => {
  expect(glance(state(change))).toBe(expected);
});

test('protection comes first, for without it nothing else is noticed', () => {
  expect(toDo(state({ issues: [issue('a')], protection_status: 'pending' }))).toEqual([{ protection: 'pending' }, { issue: issue('a') }]);
});

test('a check is waited for, missed after a while, and done once the phone has reported since', () => {
  const asked = Date.parse('2026-11-22T10:30:00Z');
  const waiting = state({ check_requested_at: '2026-11-22T10:30:00Z' });
  expect(check(state(), asked)).toBe('none');
  expect(check(waiting, asked + PATIENCE - 1)).toBe('waiting');
  expect(check(waiting, asked + PATIENCE)).toBe('unanswered');
  expect(check({ ...waiting, checked_at: null }, asked)).toBe('waiting');
  expect(check({ ...waiting, checked_at: '2026-11-22T10:30:00Z' }, asked)).toBe('done');
});

test('all is clear when what was amiss is so no more', () => {
  expect(isAllClear('restricted', 'well')).toBe(true);
  expect(isAllClear('to_do', 'lifting')).toBe(false);
  expect(isAllClear('well', 'well')).toBe(false);
  expect(isAllClear(undefined, 'well')).toBe(false);
});

test('a language is chosen by its tag, its region aside', () => {
  expect(choose(['de'])).toBe('de');
  expect(choose(['de_AT'])).toBe('de');
  expect(choose(['fr-CA', 'de-CH-1996', 'en'])).toBe('de');
  expect(choose([undefined, null, '', 'EN-us'])).toBe('en');
  expect(choose(['den', '-', 'x'])).toBe('en');
  expect(choose(['zh-Hant-TW', 'en'], ['en', 'zh-Hant', 'zh'])).toBe('zh-Hant');
});

/** A text's keys without their plural forms, and the names of what is filled in. */
const shape = (words: Record<string, string>) =>
  Object.fromEntries(Object.entries(words).map(([key, text]) => [key.replace(/\.(zero|one|two|few|many|other)$/, '.…'), [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort().join()]));

test.each(Object.keys(LANGUAGES))('%s is whole', (tag) => {
  const words = LANGUAGES[tag] ?? {};
  const english = LANGUAGES.en ?? {};
  expect(shape(words)).toEqual(shape(english));
  expect(['ltr', 'rtl']).toContain(words._direction);
  for (const [key, text] of Object.entries(words)) {
    expect(text.trim(), key).not.toBe('');
    if (!key.endsWith('.other')) continue;
    for (const form of new Intl.PluralRules(tag).resolvedOptions().pluralCategories) expect(words[key.replace(/other$/, form)], `${key} needs the form ${form}`).toBeDefined();
  }
  // Steps are told one by one, as many in each language.
  for (const key of Object.keys(english).filter((key) => english[key]?.includes('\n'))) expect(words[key]?.split('\n').length, key).toBe(english[key]?.split('\n').length);
});

test('words are filled in and counted', () => {
  const german = language('de');
  expect(german.t('to_do.title', { count: 1 })).toBe('1 Sache zu erledigen');
  expect(german.t('to_do.title', { count: 2000 })).toBe('2.000 Dinge zu erledigen');
  expect(language('en').t('restrictions.text', { organisation: '{count}' })).toContain('you and {count}.');
});

test('times are told from today', () => {
  const { when } = language('en');
  const now = new Date(2026, 10, 22, 0, 30).getTime();
  expect(when(new Date(2026, 10, 22, 0, 5).getTime(), now)).toMatch(/^today at 12:05/);
  expect(when(new Date(2026, 10, 21, 23, 55).getTime(), now)).toMatch(/^yesterday at 11:55/);
  expect(when(new Date(2026, 10, 20, 23, 55).getTime(), now)).toMatch(/^Nov 20, 2026 at/);
});
