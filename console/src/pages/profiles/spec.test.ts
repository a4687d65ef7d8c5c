import { expect, test } from 'vitest';
import type { ProfileSpec } from '../../api';
import { differences, fullSpec, specInWords, toSend } from './spec';

const name = (id: string) => `<${id}>`;
const before: ProfileSpec = {
  assigned_groups: ['low'],
  payloads: [{ type: 'restrictions', settings: { allowCamera: false, allowNFC: false } }],
};

test('a spec that is completed and sent means the same', () => {
  expect(specInWords(toSend(fullSpec(before)), name)).toEqual(specInWords(before, name));
  expect(differences(before, toSend(fullSpec(before)), name)).toEqual([]);
});

test('the removal password goes with removal by authorization only', () => {
  const spec = fullSpec({ allow_removal: 'with_authorization', removal_password: 'secret' });
  expect(toSend(spec).removal_password).toBe('secret');
  expect(toSend({ ...spec, allow_removal: 'never' }).removal_password).toBeUndefined();
});

test('differences name what was set, changed and taken away', () => {
  const after: ProfileSpec = {
    assigned_groups: ['low', 'high'],
    install_schedule: { days: ['monday', 'friday'], from: '22:00', until: '05:00', time_zone: 'Europe/Berlin' },
    payloads: [
      { type: 'restrictions', settings: { allowCamera: true } },
      { type: 'wifi', ssid: 'one', security: 'open' },
      { type: 'wifi', ssid: 'two', security: 'wpa2', password: '********' },
    ],
  };
  expect(differences(before, after, name)).toEqual([
    { what: 'Smart groups', before: '<low>', after: '<high>, <low>' },
    { what: 'Restrictions: allowCamera', before: 'false', after: 'true' },
    { what: 'Restrictions: allowNFC', before: 'false', after: undefined },
    { what: 'Install schedule', before: undefined, after: 'Monday, Friday 22:00–05:00, Europe/Berlin' },
    { what: 'Wi-Fi 1: ssid', before: undefined, after: 'one' },
    { what: 'Wi-Fi 1: security', before: undefined, after: 'open' },
    { what: 'Wi-Fi 2: ssid', before: undefined, after: 'two' },
    { what: 'Wi-Fi 2: security', before: undefined, after: 'wpa2' },
    { what: 'Wi-Fi 2: password', before: undefined, after: '********' },
  ]);
});
