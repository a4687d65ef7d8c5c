// Everything that is set about a profile, complete for the editor; what is sent, and the same in words.
import type { InstallSchedule, Payload, Platform, Profile, ProfileSpec } from '../../api';
import { words } from '../../lib/words';
import { criteriaInWords, fullCriteria, type FullCriteria, type Names } from '../smart-groups/selection';

type Absent = 'removal_password' | 'managed_by' | 'install_schedule' | 'removal_date';
/** A payload while it is edited: its type and its members. */
export type Part = { type: Payload['type']; [member: string]: unknown };
export type FullSpec = Required<Omit<ProfileSpec, Absent | 'install_criteria' | 'payloads'>> & Pick<ProfileSpec, Absent> & { install_criteria: FullCriteria; payloads: Part[] };
export type Draft = { name: string; platform: Platform; organization_group_id: string | null; spec: FullSpec };

export const TYPE_NAMES: Record<Payload['type'], string> = {
  restrictions: 'Restrictions',
  application_control: 'Application Control',
  passcode: 'Passcode',
  wifi: 'Wi-Fi',
  vpn: 'VPN',
  network_usage_rules: 'Network Usage Rules',
  web_content_filter: 'Web Content Filter',
  custom_settings: 'Custom Settings',
};

export const fullSpec = (given: ProfileSpec = {}): FullSpec => ({
  description: given.description ?? '',
  deployment: given.deployment ?? 'managed',
  assignment_type: given.assignment_type ?? 'auto',
  allow_removal: given.allow_removal ?? 'never',
  removal_password: given.removal_password ?? undefined,
  managed_by: given.managed_by ?? undefined,
  assigned_groups: given.assigned_groups ?? [],
  excluded_groups: given.excluded_groups ?? [],
  install_criteria: fullCriteria(given.install_criteria),
  install_only: given.install_only ?? false,
  install_schedule: given.install_schedule ?? undefined,
  removal_date: given.removal_date ?? undefined,
  payloads: (given.payloads ?? []) as Part[],
});

export const draftOf = (profile: Profile): Draft => ({
  name: profile.name,
  platform: profile.platform,
  organization_group_id: profile.organization_group_id,
  spec: fullSpec(profile.spec),
});

/** As the API takes it. */
export const toSend = (spec: FullSpec): ProfileSpec => ({
  ...spec,
  removal_password: spec.allow_removal === 'with_authorization' ? spec.removal_password : undefined,
  payloads: spec.payloads as Payload[],
});

/** Custom settings whose text cannot be read are kept as text until it can. */
export const isUnreadable = (part: Part) => part.type === 'custom_settings' && typeof part.content === 'string';

const scheduleText = ({ days, from, until, time_zone }: InstallSchedule) => `${days.map(words).join(', ')} ${from}–${until}, ${time_zone}`;

function valueText(value: unknown): string {
  if (typeof value === 'string') return value;
  if (Array.isArray(value) && value.every((each) => typeof each === 'string')) return value.join(', ');
  return JSON.stringify(value);
}

/** Each thing that is set, in words: what, and its value. Payloads are told apart by type and, if there are several, number. */
export function specInWords(given: ProfileSpec, name: Names): Map<string, string> {
  const spec = fullSpec(given);
  const list = (ids: string[]) => ids.map(name).sort().join(', ');
  const entries: [string, string][] = [
    ['Description', spec.description],
    ['Deployment', words(spec.deployment)],
    ['Assignment type', words(spec.assignment_type)],
    ['Allow removal', words(spec.allow_removal)],
    ['Managed by', spec.managed_by ? name(spec.managed_by) : ''],
    ['Smart groups', list(spec.assigned_groups)],
    ['Excluded smart groups', list(spec.excluded_groups)],
    ...criteriaInWords(spec.install_criteria, name).map(([what, text]): [string, string] => [`Install only on, ${what.toLowerCase()}`, text]),
    ['Install only', spec.install_only ? 'Yes' : 'No'],
    ['Install schedule', spec.install_schedule ? scheduleText(spec.install_schedule) : ''],
    ['Removal date', spec.removal_date ?? ''],
  ];
  const seen = new Map<string, number>();
  const several = (type: Payload['type']) => spec.payloads.filter((part) => part.type === type).length > 1;
  for (const { type, ...members } of spec.payloads) {
    const nth = (seen.get(type) ?? 0) + 1;
    seen.set(type, nth);
    const title = several(type) ? `${TYPE_NAMES[type]} ${nth}` : TYPE_NAMES[type];
    const inner = type === 'restrictions' ? members.settings : type === 'custom_settings' ? { ...(members.payload_type ? { type: members.payload_type } : {}), ...(members.content as object) } : members;
    const values = Object.entries(inner as object);
    if (values.length === 0) entries.push([title, 'nothing set']);
    for (const [key, value] of values) entries.push([`${title}: ${key}`, valueText(value)]);
  }
  return new Map(entries.filter(([, text]) => text !== ''));
}

export type Difference = { what: string; before: string | undefined; after: string | undefined };

/** What differs between two specs, in words. */
export function differences(before: ProfileSpec, after: ProfileSpec, name: Names): Difference[] {
  const [old, now] = [specInWords(before, name), specInWords(after, name)];
  return [...new Set([...old.keys(), ...now.keys()])]
    .map((what) => ({ what, before: old.get(what), after: now.get(what) }))
    .filter((each) => each.before !== each.after);
}
