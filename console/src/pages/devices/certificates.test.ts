import { expect, test } from 'vitest';
import { certificateState } from './certificates';

const certificate = { not_before: '2026-01-01T00:00:00Z', not_after: '2027-01-01T00:00:00Z', revoked_at: null };

test('revoked stands over everything else', () => {
  expect(certificateState(certificate, Date.parse('2026-06-01T00:00:00Z'))).toBe('good');
  expect(certificateState(certificate, Date.parse('2025-12-31T00:00:00Z'))).toBe('not_yet');
  expect(certificateState(certificate, Date.parse('2027-01-01T00:00:00Z'))).toBe('expired');
  expect(certificateState({ ...certificate, revoked_at: '2026-02-01T00:00:00Z' }, Date.parse('2028-01-01T00:00:00Z'))).toBe('revoked');
});
