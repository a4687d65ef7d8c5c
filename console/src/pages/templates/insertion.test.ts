import { expect, test } from 'vitest';
import { inserted, insertion } from './insertion';

test('a variable is written as templates name it', () => {
  expect(insertion('user.name', false)).toBe('{{ user.name }}');
  expect(insertion('issues', true)).toBe('{% for issue in issues %}\n{{ issue.name }}\n{% endfor %}');
  expect(insertion('issues[].advice', false)).toBe('{{ issue.advice }}');
});

test('it takes the place of what is selected, and the cursor is behind it', () => {
  expect(inserted('Hello you!', '{{ user.name }}', 6, 9)).toEqual({ text: 'Hello {{ user.name }}!', at: 21 });
});
