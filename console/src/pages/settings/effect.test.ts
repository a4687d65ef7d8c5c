import { expect, test } from 'vitest';
import { logoProblem } from './effect';

test('a logo is a PNG or JPEG file of at most 64 kB', () => {
  expect(logoProblem({ type: 'image/png', size: 65_536 })).toBeUndefined();
  expect(logoProblem({ type: 'image/jpeg', size: 65_537 })).toContain('65 kB');
  expect(logoProblem({ type: 'image/svg+xml', size: 10 })).toContain('PNG or JPEG');
});
