import { expect, test } from 'vitest';
import type { NotifyPreview } from '../../api';
import { draftOf, orders } from './orders';

const usual: NotifyPreview = {
  enabled: true,
  email: { available: true, address: 'ada@example.com', reason: null, subject: 'Action needed', text: 'Hello Ada,\n\nUninstall it.', html: '' },
  sms: { available: true, phone: '+4912345', reason: null, text: 'Acme: uninstall it.', length: { alphabet: 'gsm7', units: 19, limit: 160, fits: true } },
};
const draft = draftOf(usual);

test('the window opens with the usual words and no channel chosen', () => {
  expect(draft).toMatchObject({ email: false, sms: false, subject: 'Action needed', smsText: 'Acme: uninstall it.' });
  expect(orders(draft, usual)).toEqual([]);
});

test('with the usual words both channels are one request, and the server writes the words', () => {
  expect(orders({ ...draft, email: true, sms: true }, usual)).toEqual([{ channels: ['email', 'sms'], subject: undefined }]);
  expect(orders({ ...draft, sms: true, text: 'never sent' }, usual)).toEqual([{ channels: ['sms'], message: undefined }]);
});

test('changed words reach only the channel they were written for', () => {
  expect(orders({ ...draft, email: true, sms: true, text: ' Call me. ' }, usual)).toEqual([
    { channels: ['email'], subject: undefined, message: 'Call me.' },
    { channels: ['sms'], message: undefined },
  ]);
  expect(orders({ ...draft, email: true, sms: true, subject: 'Urgent' }, usual)).toEqual([{ channels: ['email', 'sms'], subject: 'Urgent' }]);
  expect(orders({ ...draft, sms: true, smsText: 'Call.' }, usual)).toEqual([{ channels: ['sms'], message: 'Call.' }]);
});
