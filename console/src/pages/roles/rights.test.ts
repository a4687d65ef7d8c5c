import { expect, test } from 'vitest';
import document from '../../../../docs/openapi.json';
import { ALL_RIGHTS } from './rights';

test('every right of the API is described, once', () => {
  const described = ALL_RIGHTS.map(({ right }) => right);
  expect([...described].sort()).toEqual([...document.components.schemas.Right.enum].sort());
});
