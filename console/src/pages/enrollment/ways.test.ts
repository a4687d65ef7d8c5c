import { expect, test } from 'vitest';
import { waysOf } from './ways';

const enrollment_profile_url = 'https://example.com/apple/v1/enroll/x';

test('a platform’s own management comes first where only that platform can be meant', () => {
  expect(waysOf({ platform: 'ios', enrollment_profile_url }, true)).toEqual(['apple', 'agent']);
  expect(waysOf({ platform: 'android', enrollment_profile_url: null }, true)).toEqual(['google', 'agent']);
  expect(waysOf({ platform: null, enrollment_profile_url }, true)).toEqual(['agent', 'apple', 'google']);
  expect(waysOf({ platform: 'ios', enrollment_profile_url: null }, true)).toEqual(['agent']);
  expect(waysOf({ platform: 'android', enrollment_profile_url: null }, false)).toEqual(['agent']);
});
