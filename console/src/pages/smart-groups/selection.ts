// What selects the devices of a smart group: its values complete, and said in words.
import type { Criteria, ModelMatch, PlatformRange, Selection } from '../../api';
import { words } from '../../lib/words';

export type FullCriteria = Required<Omit<Criteria, 'tags'>> & { tags: Required<NonNullable<Criteria['tags']>> };
export type FullSelection = {
  kind: NonNullable<Selection['kind']>;
  criteria: FullCriteria;
  additions: { devices: string[]; users: string[] };
  exclusions: { devices: string[]; users: string[]; user_groups: string[] };
};

export const fullCriteria = (given: Criteria = {}): FullCriteria => ({
  organization_groups: given.organization_groups ?? [],
  user_groups: given.user_groups ?? [],
  ownership: given.ownership ?? [],
  platforms: given.platforms ?? [],
  models: given.models ?? [],
  management_types: given.management_types ?? [],
  enrollment_categories: given.enrollment_categories ?? [],
  tags: { match: given.tags?.match ?? 'any', tags: given.tags?.tags ?? [] },
  risk_levels: given.risk_levels ?? [],
  compliance: given.compliance ?? [],
  protection_statuses: given.protection_statuses ?? [],
});

export const fullSelection = (given: Selection = {}): FullSelection => ({
  kind: given.kind ?? 'criteria',
  criteria: fullCriteria(given.criteria),
  additions: { devices: given.additions?.devices ?? [], users: given.additions?.users ?? [] },
  exclusions: {
    devices: given.exclusions?.devices ?? [],
    users: given.exclusions?.users ?? [],
    user_groups: given.exclusions?.user_groups ?? [],
  },
});

/** How many criteria are given. */
export const givenCriteria = ({ tags, ...lists }: FullCriteria): number =>
  Object.values(lists).filter((values) => values.length > 0).length + (tags.tags.length > 0 ? 1 : 0);

export const rangeText = ({ platform, min_os_version: min, max_os_version: max }: PlatformRange): string =>
  [words(platform), min && max ? `${min} to ${max}` : min ? `${min} or newer` : max ? `up to ${max}` : ''].filter(Boolean).join(' ');
export const modelText = ({ manufacturer, model }: ModelMatch): string => [manufacturer, model].filter(Boolean).join(' ');

/** Names things by their ids. */
export type Names = (id: string) => string;

const MATCH = { any: 'any of', all: 'all of', none: 'none of' } as const;

/** The criteria given, each with its values in words. */
export function criteriaInWords(criteria: FullCriteria, name: Names): [string, string][] {
  const list = (values: string[], text: (value: string) => string) => values.map(text).join(', ');
  const all: [string, string][] = [
    ['Tags', criteria.tags.tags.length > 0 ? `${criteria.tags.tags.length > 1 || criteria.tags.match === 'none' ? `${MATCH[criteria.tags.match]} ` : ''}${list(criteria.tags.tags, name)}` : ''],
    ['Risk level', list(criteria.risk_levels, words)],
    ['Compliance', list(criteria.compliance, words)],
    ['Protection status', list(criteria.protection_statuses, words)],
    ['Ownership', list(criteria.ownership, words)],
    ['Management type', list(criteria.management_types, words)],
    ['Enrollment category', list(criteria.enrollment_categories, words)],
    ['Platforms', criteria.platforms.map(rangeText).join(', ')],
    ['Models', criteria.models.map(modelText).join(', ')],
    ['Organization groups', list(criteria.organization_groups, name)],
    ['User groups', list(criteria.user_groups, name)],
  ];
  return all.filter(([, text]) => text !== '');
}
