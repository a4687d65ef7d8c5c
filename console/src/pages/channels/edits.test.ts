import { expect, test } from 'vitest';
import type { ApnsChannel, EmailChannel, FcmChannel, SmsChannel } from '../../api';
import { apnsDraft, apnsEdit, emailDraft, emailEdit, fcmDraft, fcmEdit, GOOGLE, keepsPassword, smsDraft, smsEdit } from './edits';

const email: EmailChannel = {
  enabled: true, connections: 4, per_second: 0, version: 3, changed_at: null, dkim: { domain: 'example.com', selector: 'mail', private_key_set: true },
  relays: [{ host: 'smtp.example.com', port: 587, security: 'starttls', username: 'allclear', password_set: true, ca_certificate: null }],
};
const sms: SmsChannel = { enabled: false, per_second: 0, version: 0, changed_at: null, smpp: null, gateway: null };

test('saved unchanged, secrets are left out and so stay', () => {
  const edit = emailEdit(emailDraft(email), 3);
  expect(edit.version).toBe(3);
  expect(edit.relays[0]).toMatchObject({ host: 'smtp.example.com', username: 'allclear', password: undefined, ca_certificate: null });
  expect(edit.dkim).toEqual({ domain: 'example.com', selector: 'mail', private_key: undefined });
});

test('without signing there is no key', () => {
  expect(emailEdit({ ...emailDraft(email), sign: false }, 3).dkim).toBeNull();
});

test('a password does not go on to another host', () => {
  const [relay] = emailDraft(email).relays;
  expect(keepsPassword(relay, email.relays)).toBe(true);
  expect(keepsPassword(relay && { ...relay, host: 'smtp.example.net' }, email.relays)).toBe(false);
});

test('text messages go one way only', () => {
  const draft = smsDraft(sms);
  const smpp = smsEdit({ ...draft, smpp: { ...draft.smpp, host: ' smsc.example.com ', sender: { address: 'Acme', ton: 5, npi: '' } } }, 0);
  expect(smpp.gateway).toBeNull();
  expect(smpp.smpp).toMatchObject({ host: 'smsc.example.com', sender: { address: 'Acme', ton: 5, npi: null }, password: undefined });
  const gateway = smsEdit({ ...draft, by: 'gateway', gateway: { ...draft.gateway, auth_token: 'x', from: '+491' } }, 0);
  expect(gateway.smpp).toBeNull();
  expect(gateway.gateway).toMatchObject({ base_url: 'https://api.twilio.com', auth_token: 'x', from: '+491', messaging_service_sid: null });
});

const apns: ApnsChannel = { enabled: true, key_id: 'ABC123DEFG', team_id: 'DEF123GHIJ', topic: 'com.example.agent', base_url: null, private_key_set: true, version: 2, changed_at: null };
const fcm: FcmChannel = { enabled: true, project_id: 'p', client_email: 'a@p', token_uri: 'https://oauth2.googleapis.com/token', base_url: GOOGLE, private_key_set: true, version: 2, changed_at: null };

test('of the push services, keys left out stay, and the usual address is no address of one’s own', () => {
  expect(apnsEdit(apnsDraft(apns), 2)).toEqual({ enabled: true, key_id: 'ABC123DEFG', team_id: 'DEF123GHIJ', topic: 'com.example.agent', private_key: undefined, base_url: null, version: 2 });
  expect(fcmEdit(fcmDraft(fcm), 2)).toEqual({ enabled: true, service_account: undefined, base_url: null, version: 2 });
  expect(fcmEdit(fcmDraft({ ...fcm, base_url: 'https://push.example.com' }), 2).base_url).toBe('https://push.example.com');
});
