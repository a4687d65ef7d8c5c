import { expect, test } from 'vitest';
import { bodyOf } from './UserForm';

const empty = { user_name: ' ada ', display_name: '', email: ' ', phone: '', locale: '', organization_group_id: '' };

test('what is left empty is sent as not known', () => {
  expect(bodyOf(empty)).toEqual({ user_name: 'ada', display_name: null, email: null, phone: null, locale: null, organization_group_id: undefined });
});

test('a phone number is sent without what people write between its digits', () => {
  expect(bodyOf({ ...empty, phone: '+49 (170) 123-45.67' }).phone).toBe('+491701234567');
});
