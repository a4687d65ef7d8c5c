import { expect, test } from 'vitest';
import { target } from './search';

test('signing in leads on to a page of this console only', () => {
  expect(target('/devices?risk_level=high')).toBe('/devices?risk_level=high');
  expect(target(undefined)).toBe('/');
  for (const elsewhere of ['https://example.com/', '//example.com/x', '/\\example.com', 'javascript:alert(1)']) expect(target(elsewhere)).toBe('/');
});
