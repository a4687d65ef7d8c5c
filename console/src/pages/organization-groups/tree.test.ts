import { expect, test } from 'vitest';
import type { OrganizationGroup } from '../../api';
import { branches, destinations, flat } from './tree';

const group = (id: string, parent_id: string | null, name = id): OrganizationGroup => ({ id, parent_id, name, kind: 'container', version: 1 });
const groups = [group('acme', 'global'), group('eu', 'acme', 'Europe'), group('de', 'eu', 'Germany'), group('us', 'acme', 'America'), group('at', 'eu', 'Austria')];

test('the tree begins with what is within reach and sorts siblings by name', () => {
  expect(flat(branches(groups)).map(({ group: { id }, depth }) => [id, depth])).toEqual([['acme', 0], ['us', 1], ['eu', 1], ['at', 2], ['de', 2]]);
});

test('a group cannot be moved into itself or below itself', () => {
  expect(destinations(groups, 'eu').map(({ id }) => id)).toEqual(['acme', 'us']);
  expect(destinations(groups, 'acme')).toEqual([]);
});
