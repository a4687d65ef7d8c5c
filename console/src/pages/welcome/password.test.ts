import { expect, test } from 'vitest';
import { passwordError, strength } from './password';

const names = ['ada.lovelace', 'ada@example.com'];

test('what is too short or what one signs in with is refused', () => {
  expect(passwordError('elevenchars', names)).toMatch('12');
  expect(passwordError(' ADA.Lovelace', names)).toMatch('sign in with');
  expect(passwordError('twelve chars', names)).toBeNull();
  expect(passwordError('twelve chars', [''])).toBeNull();
});

test('the word grows with the password', () => {
  expect(strength('abc', names).word).toBe('Too short');
  expect(strength('ababababababab', names).word).toBe('Weak');
  expect(strength('my ada.lovelace pass', names).word).toBe('Weak');
  expect(strength('quiet wagons', names).word).toBe('Good');
  expect(strength('quiet wagons drink moss', names).word).toBe('Strong');
});
