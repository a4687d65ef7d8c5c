import { expect, test } from 'vitest';
import { editOf } from './DeviceForm';

const before = {
  friendly_name: 'Pixel 9', user_id: 'u1', organization_group_id: 'g1', ownership: '', management: 'agent', enrollment_category: '',
  external_id: '', imei: '49',
};

test('an edit holds only what differs, and clears what was emptied', () => {
  expect(editOf(before, { ...before, friendly_name: ' Pixel 9 ' })).toEqual({});
  expect(editOf(before, { ...before, user_id: '', external_id: 'x-1', imei: '' })).toEqual({ user_id: null, external_id: 'x-1', imei: null });
});

test('the edit that undoes another restores what was there', () => {
  const after = { ...before, user_id: '', ownership: 'corporate_shared' };
  expect(editOf(after, before)).toEqual({ user_id: 'u1', ownership: null });
});
