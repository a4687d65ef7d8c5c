import { expect, test } from 'vitest';
import type { AppleMdm } from '../../api';
import { ACCESS_RIGHTS, appleDraft, appleEdit, losesDevices, pushState, withoutPush } from './edits';

const certificate = { subject: 'CN=x', fingerprint: 'ab', not_after: '2027-01-01T00:00:00Z', certificate: 'PEM' };
const push = (topic: string, expires_soon = false) => ({ ...certificate, topic, expires_soon });
const saved: AppleMdm = {
  certificate_days: 365, legacy_enrollment: false, sha1_signatures: false, access_rights: 8191, authority: certificate, former_authorities: [], trusted_authorities: [certificate],
  scep_url: 'https://ca.example.com/scep', scep_challenge_set: true, push_certificate: push('com.apple.mgmt.1'), push_certificate_requested: false, push_url: 'https://proxy.example.com', push_authority: certificate, version: 3, changed_at: null,
};

test('saved unchanged, everything stays, secrets as well', () => {
  expect(appleEdit(appleDraft(saved), 3)).toEqual({
    certificate_days: 365, legacy_enrollment: false, sha1_signatures: false, access_rights: 8191, trusted_authorities: ['PEM'],
    scep_url: 'https://ca.example.com/scep', scep_challenge: undefined, push_certificate: undefined, push_key: undefined, push_url: 'https://proxy.example.com', push_authority: 'PEM', version: 3,
  });
});

test('certificates from here need neither an address nor a password', () => {
  expect(appleEdit({ ...appleDraft(saved), by: 'here' }, 3)).toMatchObject({ scep_url: null, scep_challenge: '' });
  expect(appleEdit({ ...appleDraft(saved), without_challenge: true }, 3)).toMatchObject({ scep_url: 'https://ca.example.com/scep', scep_challenge: '' });
});

test('access rights are the sum of their bits', () => {
  expect(ACCESS_RIGHTS.reduce((sum, [bit]) => sum + bit, 0)).toBe(8191);
  const draft = appleDraft({ ...saved, access_rights: 1 + 2 + 16 });
  expect(draft.access_rights).toEqual(['1', '2', '16']);
  expect(appleEdit(draft, 3).access_rights).toBe(19);
});

test('taking the push certificate away changes nothing else', () => {
  const edit = withoutPush(saved);
  expect(edit).toMatchObject({ push_certificate: null, scep_url: 'https://ca.example.com/scep', push_url: 'https://proxy.example.com', version: 3 });
  expect('scep_challenge' in edit).toBe(false);
});

test('a push certificate that ends is told before, and another topic loses the devices', () => {
  const now = Date.parse('2026-12-20T00:00:00Z');
  expect(pushState({ push_certificate: null }, now)).toBe('none');
  expect(pushState({ push_certificate: push('t') }, now)).toBe('good');
  expect(pushState({ push_certificate: push('t', true) }, now)).toBe('soon');
  expect(pushState({ push_certificate: push('t', true) }, Date.parse('2027-01-02T00:00:00Z'))).toBe('expired');
  expect(losesDevices(saved, { ...saved, push_certificate: push('com.apple.mgmt.2') })).toBe(true);
  expect(losesDevices(saved, { ...saved, push_certificate: push('com.apple.mgmt.1', true) })).toBe(false);
  expect(losesDevices({ ...saved, push_certificate: null }, saved)).toBe(false);
});
