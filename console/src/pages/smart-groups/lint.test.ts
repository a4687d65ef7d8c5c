import { expect, test } from 'vitest';
import type { EngineTag, OrganizationGroup, Selection, Tag } from '../../api';
import { compareVersions, lint } from './lint';
import { criteriaInWords, fullCriteria, fullSelection } from './selection';

const tag = (id: string, engine: EngineTag | null): Tag => ({ id, name: id, engine, version: 1 });
const tags = [tag('low', 'low_risk'), tag('high', 'high_risk'), tag('vip', null)];
const og = (id: string, parent_id: string | null) => ({ id, name: id, parent_id, kind: 'container', version: 1 }) as unknown as OrganizationGroup;
const world = { home: 'east', organizationGroups: [og('root', null), og('east', 'root'), og('west', 'root'), og('shop', 'east')], tags };
const found = (selection: Selection) => lint(fullSelection(selection), world).map(({ severity, text }) => `${severity}: ${text}`);
const contradictions = (criteria: Selection['criteria']) => found({ criteria }).filter((each) => each.startsWith('contradiction'));

test('versions are compared by number', () => {
  expect(compareVersions('17.10', '17.9.3')).toBeGreaterThan(0);
  expect(compareVersions('14', '14.0.0')).toBe(0);
  expect(compareVersions('Tiramisu', '1')).toBeUndefined();
});

test('criteria that no device can meet are named', () => {
  expect(contradictions({ platforms: [{ platform: 'ios', min_os_version: '18', max_os_version: '17.2' }] })).toHaveLength(1);
  expect(contradictions({ platforms: [{ platform: 'ios' }], management_types: ['work_profile'] })).toHaveLength(1);
  expect(contradictions({ organization_groups: ['west'] })).toHaveLength(1);
  expect(contradictions({ tags: { match: 'all', tags: ['low', 'high'] } })).toHaveLength(1);
  expect(contradictions({ tags: { match: 'any', tags: ['high'] }, risk_levels: ['low'] })).toHaveLength(1);
});

test('criteria that can be met are left alone', () => {
  for (const criteria of [
    { platforms: [{ platform: 'ios' as const, min_os_version: '17', max_os_version: '17.2' }] },
    { platforms: [{ platform: 'ios' as const }], management_types: ['work_profile' as const, 'agent' as const] },
    { organization_groups: ['shop', 'west'] },
    { organization_groups: ['root'] },
    { tags: { match: 'any' as const, tags: ['low', 'high'] } },
    { tags: { match: 'all' as const, tags: ['high', 'vip'] }, risk_levels: ['high' as const] },
    { tags: { match: 'none' as const, tags: ['high'] }, risk_levels: ['low' as const] },
    { tags: { match: 'any' as const, tags: ['high', 'vip'] }, risk_levels: ['low' as const] },
  ]) expect(found({ criteria })).toEqual([]);
});

test('what says nothing or cancels out is noticed', () => {
  expect(found({})).toEqual([expect.stringMatching(/^notice: There are no criteria/)]);
  expect(found({ kind: 'devices_or_users' })).toEqual([expect.stringMatching(/^contradiction: Name at least one/)]);
  expect(found({ kind: 'devices_or_users', additions: { devices: ['d'] }, exclusions: { devices: ['d'] } })).toEqual([expect.stringMatching(/Exclusions win/)]);
  expect(found({ criteria: { user_groups: ['a'] }, exclusions: { user_groups: ['a', 'b'] } })).toEqual([expect.stringMatching(/^contradiction/)]);
});

test('criteria in words', () => {
  const criteria = fullCriteria({ platforms: [{ platform: 'ios', min_os_version: '17' }, { platform: 'android' }], tags: { match: 'none', tags: ['vip'] }, ownership: ['employee_owned'] });
  expect(criteriaInWords(criteria, (id) => id.toUpperCase())).toEqual([
    ['Tags', 'none of VIP'],
    ['Ownership', 'Employee owned'],
    ['Platforms', 'iOS 17 or newer, Android'],
  ]);
});
