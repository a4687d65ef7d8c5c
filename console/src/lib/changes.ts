// Changes of the journal in words, and what exactly is different between an object's before and after.
import type { Change } from '../api';
import { commandName } from './commands';
import { count, words } from './words';

/** The kinds of thing the journal is about. */
export const OBJECT_KINDS = [
  'device', 'user', 'user_group', 'organization_group', 'tag', 'smart_group', 'profile', 'classification',
  'classification_text', 'notification_template', 'settings', 'channel',
  'role', 'admin', 'api_token', 'enrollment_token', 'device_certificate', 'apple_mdm', 'android_enterprise', 'integration', 'indicator_set', 'source', 'source_event',
] as const;

/** The types of change, in the order of the loop. */
export const CHANGE_TYPES = [
  'created', 'updated', 'deleted', 'device_created', 'device_enrolled', 'device_unenrolled', 'device_deleted',
  'device_changed', 'alias_added', 'threat', 'risk', 'protection', 'compliance', 'tag_added', 'tag_removed',
  'smart_group_joined', 'smart_group_left', 'profile', 'command_issued', 'profile_reported',
  'command_requested', 'command_cancelled', 'command_answered', 'management_removed', 'score', 'user_risk',
  'source_notice', 'source_event_kept',
] as const satisfies Change['type'][];

const list = (names: string[]) => names.map((name) => words(name).toLowerCase()).join(', ');

/** One change as a phrase, for example `Risk level none → high`. */
export function changeText(change: Change): string {
  switch (change.type) {
    case 'device_created':
      return 'Became known';
    case 'device_enrolled':
      return 'Enrolled';
    case 'device_unenrolled':
      return 'Unenrolled';
    case 'device_deleted':
      return 'Deleted, with everything kept about it';
    case 'device_changed':
      return `Changed: ${list(change.fields)}`;
    case 'alias_added':
      return `Known to ${change.source} as ${change.external_id}`;
    case 'threat': {
      const kind = words(change.classification);
      const what = change.from ? `${kind}: ${change.from} → ${change.to}` : `${kind} found${change.to === 'open' ? '' : `, ${change.to}`}`;
      return change.reason ? `${what} (${change.reason})` : what;
    }
    case 'risk':
      return `Risk level ${change.from} → ${change.to}`;
    case 'protection':
      return `Protection ${change.from} → ${change.to}`;
    case 'compliance':
      return `Compliance ${words(change.from).toLowerCase()} → ${words(change.to).toLowerCase()}`;
    case 'tag_added':
      return `Tagged ${change.name}`;
    case 'tag_removed':
      return `Tag ${change.name} removed`;
    case 'smart_group_joined':
      return `Joined ${change.name}`;
    case 'smart_group_left':
      return `Left ${change.name}`;
    case 'profile':
      return `${desiredText(change.desired, change.name)} (${words(change.reason).toLowerCase()})`;
    case 'command_issued':
      return `Told the device: ${desiredText(change.desired, change.name)}`;
    case 'profile_reported':
      return `The device reports ${change.name}${change.status ? `: ${words(change.status).toLowerCase()}` : ''}${change.detail ? ` (${change.detail})` : ''}`;
    case 'command_requested':
      return `Command given: ${commandName(change.request_type)}`;
    case 'command_cancelled':
      return `Command taken back: ${commandName(change.request_type)} (${change.reason})`;
    case 'command_answered':
      return `The device answers ${commandName(change.request_type)}: ${words(change.status).toLowerCase()}${change.detail ? ` (${change.detail})` : ''}`;
    case 'management_removed':
      return 'Its platform’s management is off the device';
    case 'score':
      return `Score ${count(Math.round(change.from))} → ${count(Math.round(change.to))}`;
    case 'user_risk':
      return `Risk status of the user ${change.from} → ${change.to}`;
    case 'created':
      return 'Created';
    case 'updated': {
      const fields = [...new Set(differences(change.before, change.after).map(({ path }) => path[0] ?? ''))];
      return `Changed: ${list(fields)}`;
    }
    case 'deleted':
      return 'Deleted';
    case 'source_notice':
      return change.summary;
    case 'source_event_kept':
      return `A message was kept: ${change.reason}`;
    default:
      return words((change as { type: string }).type);
  }
}

type Desired = Extract<Change, { type: 'profile' }>['desired'];
const desiredText = (desired: Desired, name: string) =>
  desired.action === 'install' ? `install ${name} version ${desired.version}` : desired.action === 'remove' ? `remove ${name}` : `nothing wanted of ${name}`;

export type Difference = { path: string[]; before: unknown; after: unknown };

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);
const isPlainList = (value: unknown) => Array.isArray(value) && value.every((each) => typeof each !== 'object' || each === null);
const isNothing = (value: unknown) => value === undefined || value === null || value === '' || (Array.isArray(value) && value.length === 0);
const same = (a: unknown, b: unknown) => (isNothing(a) && isNothing(b)) || JSON.stringify(a) === JSON.stringify(b);

/** The innermost members that are not the same. Lists of plain values count as one value. */
export function differences(before: unknown, after: unknown, path: string[] = []): Difference[] {
  if (same(before, after)) return [];
  const members = (value: unknown): Record<string, unknown> | undefined => {
    if (isObject(value)) return value;
    if (Array.isArray(value) && !isPlainList(value)) return Object.fromEntries(value.map((each, i) => [String(i + 1), each]));
    return isNothing(value) ? {} : undefined;
  };
  const [old, now] = [members(before), members(after)];
  if (!old || !now) return [{ path, before, after }];
  const keys = [...new Set([...Object.keys(old), ...Object.keys(now)])];
  return keys.flatMap((key) => differences(old[key], now[key], [...path, key]));
}
