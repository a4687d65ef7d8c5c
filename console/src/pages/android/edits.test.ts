import { expect, test } from 'vitest';
import type { AndroidEnterprise } from '../../api';
import { androidDraft, androidEdit, GOOGLE, PUBSUB } from './edits';

const saved: AndroidEnterprise = {
  project_id: 'acme', client_email: 'a@acme.iam.gserviceaccount.com', private_key_set: true, base_url: GOOGLE, pubsub_base_url: PUBSUB, enterprise: 'enterprises/LC1',
  topic: 'projects/acme/topics/android', subscription: null, push_email: null, push_endpoint: 'https://mdm.example.com/android/v1/notifications/1', devices: 0,
  state: { state: 'connected', since: null, answer: null }, version: 4, changed_at: null,
};

test('saved unchanged, everything stays, the key as well', () => {
  const edit = androidEdit(androidDraft(saved), saved);
  expect(edit).toEqual({ service_account: undefined, topic: 'projects/acme/topics/android', subscription: null, push_email: null, base_url: null, pubsub_base_url: null, version: 4 });
});

test('the enterprise is named only where it becomes another, or none', () => {
  expect(androidEdit({ ...androidDraft(saved), enterprise: ' ' }, saved).enterprise).toBeNull();
  expect(androidEdit({ ...androidDraft(saved), enterprise: 'enterprises/LC2' }, saved).enterprise).toBe('enterprises/LC2');
  expect('enterprise' in androidEdit(androidDraft({ ...saved, enterprise: null }), { ...saved, enterprise: null })).toBe(false);
});
