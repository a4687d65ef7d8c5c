// What is odd about a smart group before the server is asked: criteria that cannot be met together, say nothing or cancel
// each other out.
import type { EngineTag, ManagementType, OrganizationGroup, Platform, RiskLevel, Tag } from '../../api';
import { words } from '../../lib/words';
import { type FullCriteria, type FullSelection, givenCriteria } from './selection';

export type Finding = { severity: 'contradiction' | 'notice'; text: string };

type World = {
  /** Where the group lives. */
  home: string | undefined;
  organizationGroups: OrganizationGroup[];
  tags: Tag[];
};

// A device carries at most one tag of each of these.
const EXCLUSIVE: EngineTag[][] = [
  ['low_risk', 'medium_risk', 'high_risk'],
  ['threats_present', 'secured'],
  ['activated', 'deactivated', 'disconnected', 'pending', 'unreachable'],
];
const RISK_OF: Partial<Record<EngineTag, RiskLevel>> = { low_risk: 'low', medium_risk: 'medium', high_risk: 'high' };
const PLATFORM_OF: Partial<Record<ManagementType, Platform>> = {
  fully_managed: 'android', work_profile: 'android', dedicated: 'android',
  supervised: 'ios', device_enrollment: 'ios', user_enrollment: 'ios',
};

/** Below zero if `a` is the older version; undefined if one of them is none. */
export function compareVersions(a: string, b: string): number | undefined {
  const [x, y] = [a, b].map((text) => text.trim().split('.'));
  if (!x || !y || [...x, ...y].some((part) => !/^\d+$/.test(part))) return undefined;
  for (let i = 0; i < Math.max(x.length, y.length); i++) {
    const difference = Number(x[i] ?? 0) - Number(y[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

const isWithin = (groups: OrganizationGroup[], id: string, above: string): boolean => {
  for (let at: string | null | undefined = id; at; at = groups.find((group) => group.id === at)?.parent_id) if (at === above) return true;
  return false;
};

function ofCriteria(criteria: FullCriteria, { home, organizationGroups, tags }: World): Finding[] {
  const found: Finding[] = [];
  const contradiction = (text: string) => found.push({ severity: 'contradiction', text });
  for (const { platform, min_os_version: min, max_os_version: max } of criteria.platforms) {
    if (min && max && (compareVersions(min, max) ?? 0) > 0) contradiction(`${words(platform)}: the lowest version ${min} is above the highest, ${max}.`);
  }
  const platforms = new Set(criteria.platforms.map(({ platform }) => platform));
  if (platforms.size > 0 && criteria.management_types.length > 0 && criteria.management_types.every((type) => PLATFORM_OF[type] !== undefined && !platforms.has(PLATFORM_OF[type]))) {
    contradiction(`No ${[...platforms].map(words).join(' or ')} device has the management type ${criteria.management_types.map(words).join(' or ').toLowerCase()}.`);
  }
  if (home && organizationGroups.length > 0 && criteria.organization_groups.length > 0) {
    const meets = (id: string) => isWithin(organizationGroups, id, home) || isWithin(organizationGroups, home, id);
    if (!criteria.organization_groups.some(meets)) contradiction('None of the organization groups lies at or below the one the smart group lives in.');
  }
  const engine = criteria.tags.tags.flatMap((id) => tags.find((tag) => tag.id === id)?.engine ?? []);
  if (criteria.tags.match === 'all') {
    for (const set of EXCLUSIVE) {
      const both = engine.filter((tag) => set.includes(tag));
      if (both.length > 1) contradiction(`A device has at most one of the tags ${both.map(words).join(', ')}.`);
    }
  }
  if (criteria.risk_levels.length > 0 && engine.length > 0 && criteria.tags.match !== 'none') {
    const levels = engine.flatMap((tag) => RISK_OF[tag] ?? []);
    const onlyRisk = criteria.tags.match === 'all' ? levels.length > 0 : levels.length === criteria.tags.tags.length;
    if (onlyRisk && !levels.some((level) => criteria.risk_levels.includes(level))) {
      contradiction(`The risk tags mean ${levels.map(words).join(' or ').toLowerCase()} risk, the criterion asks for ${criteria.risk_levels.map(words).join(' or ').toLowerCase()}.`);
    }
  }
  return found;
}

export function lint(selection: FullSelection, world: World): Finding[] {
  const { kind, criteria, additions, exclusions } = selection;
  const found: Finding[] = [];
  const contradiction = (text: string) => found.push({ severity: 'contradiction', text });
  const notice = (text: string) => found.push({ severity: 'notice', text });
  const added = additions.devices.length + additions.users.length;
  if (kind === 'criteria') {
    found.push(...ofCriteria(criteria, world));
    if (givenCriteria(criteria) === 0) notice('There are no criteria, so every device at or below the organization group is in it.');
    else if (found.length > 0 && added > 0) notice('Only the additions would be in it.');
  } else if (added === 0) contradiction('Name at least one device or user.');
  const overlap = (a: string[], b: string[]) => a.filter((id) => b.includes(id)).length;
  if (overlap(additions.devices, exclusions.devices) > 0) notice('A device is both added and excluded. Exclusions win.');
  if (overlap(additions.users, exclusions.users) > 0) notice('A user is both added and excluded. Exclusions win.');
  if (kind === 'criteria' && criteria.user_groups.length > 0 && criteria.user_groups.every((id) => exclusions.user_groups.includes(id))) {
    contradiction('All user groups that are asked for are excluded as well.');
  }
  return found;
}
