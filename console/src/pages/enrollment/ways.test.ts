import { expect, test } from 'vitest';
import { waysOf } from './ways';

const enrollment_profile_url = 'https://example.com/apple/v1/enroll/x';

test('Apple’s management comes first where only an iPhone can be meant', () => {
  expect(waysOf({ platform: 'ios', enrollment_profile_url })).toEqual(['apple', 'agent']);
  expect(waysOf({ platform: null, enrollment_profile_url })).toEqual(['agent', 'apple']);
  expect(waysOf({ platform: 'ios', enrollment_profile_url: null })).toEqual(['agent']);
});
