import { expect, test } from 'vitest';
import { logoProblem, reevaluates } from './effect';

test('a logo is a PNG or JPEG file of at most 64 kB', () => {
  expect(logoProblem({ type: 'image/png', size: 65_536 })).toBeUndefined();
  expect(logoProblem({ type: 'image/jpeg', size: 65_537 })).toContain('65 kB');
  expect(logoProblem({ type: 'image/svg+xml', size: 10 })).toContain('PNG or JPEG');
});

test('a posture rule changes what holds of devices, branding does not', () => {
  expect(reevaluates({}, { posture_rules: { minimum_os: { ios: '17.6' } } })).toBe(true);
  expect(reevaluates({}, { branding: { organisation_name: 'Acme' } })).toBe(false);
});
