import { expect, test } from 'vitest';
import { foundBy } from './builtIn';

test('only the built-in source has rules and indicators', () => {
  expect(foundBy({ source: 'allclear', threat_id: 'rule:no_passcode' })).toBe('rule');
  expect(foundBy({ source: 'allclear', threat_id: 'indicator:app_identifier:com.spy' })).toBe('indicator');
  expect(foundBy({ source: 'allclear', threat_id: 'ruler' })).toBeUndefined();
  expect(foundBy({ source: 'sensor', threat_id: 'rule:no_passcode' })).toBeUndefined();
});
