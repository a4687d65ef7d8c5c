import { expect, test } from 'vitest';
import { languageName, languageTag } from './languages';

test('a language is a tag', () => {
  expect(languageTag('pt_br')).toBe('pt-BR');
  expect(languageTag('not a tag')).toBeUndefined();
  expect(languageName('pl')).toBe('Polish (pl)');
});
