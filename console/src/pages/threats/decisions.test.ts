import { expect, test } from 'vitest';
import { effectOf, goesBy, possible } from './decisions';

const rule = { source: 'allclear', threat_id: 'rule:no_passcode' };
const indicator = { source: 'allclear', threat_id: 'indicator:app_identifier:com.spy' };
const other = { source: 'sensor', threat_id: '7' };

test('what a posture rule decides is not offered', () => {
  expect(possible({ ...rule, status: 'open' })).toEqual(['ignore']);
  expect(possible({ ...rule, status: 'ignored' })).toEqual(['reopen']);
  expect(possible({ ...rule, status: 'resolved' })).toEqual([]);
  expect(goesBy({ ...rule, status: 'open' })).toContain('cannot be resolved by hand');
});

test('a threat of an indicator can be resolved, and says that it comes back', () => {
  expect(possible({ ...indicator, status: 'open' })).toEqual(['resolve', 'ignore']);
  expect(effectOf('resolve', { ...indicator, status: 'open' })).toContain('still there');
  expect(effectOf('resolve', { ...other, status: 'open' })).toContain('its source');
  expect(goesBy({ ...other, status: 'open' })).toBeUndefined();
});
