// What an entry of the journal is about, with a link where there is a page for it.
import { Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useRouter } from '@tanstack/react-router';
import type { Entry } from '../../api';
import { getDeviceOptions } from '../../api/@tanstack/react-query.gen';
import { words } from '../../lib/words';
import { Link } from '../../ui/Link';
import { DeviceLink } from '../../ui/names';

const PAGES: Record<string, (id: string) => { to: string; search?: Record<string, string> }> = {
  user: (id) => ({ to: `/users/${id}` }),
  smart_group: (id) => ({ to: `/smart-groups/${id}` }),
  profile: (id) => ({ to: `/profiles/${id}` }),
  role: (id) => ({ to: '/roles', search: { role: id } }),
  tag: (id) => ({ to: '/devices', search: { tag_id: id } }),
  settings: () => ({ to: '/settings' }),
  integration: () => ({ to: '/integrations' }),
  indicator_set: (id) => ({ to: '/indicators', search: { set: id } }),
  api_token: () => ({ to: '/api-tokens' }),
  admin: () => ({ to: '/admins' }),
  organization_group: () => ({ to: '/organization-groups' }),
  classification: (id) => ({ to: '/protections', search: { row: id } }),
  classification_text: (id) => ({ to: '/protections', search: { row: id.split('/')[0] ?? '', tab: 'texts', language: id.split('/')[1] ?? '' } }),
  notification_template: () => ({ to: '/settings/templates' }),
  apple_mdm: () => ({ to: '/settings/apple' }),
  android_enterprise: () => ({ to: '/settings/android' }),
  channel: (id) => ({ to: `/settings/channels/${id}` }),
};

export function objectOf({ object }: Entry): { kind: string; id: string; name: string } | undefined {
  return object ? { kind: String(object.kind), id: String(object.id), name: String(object.name) } : undefined;
}

export function Subject({ entry }: { entry: Entry }) {
  const object = objectOf(entry);
  if (entry.device_id) return <><Kind>Device</Kind> <DeviceName id={entry.device_id} /></>;
  return object ? <><Kind>{words(object.kind)}</Kind> <ObjectName {...object} /></> : '–';
}

const Kind = ({ children }: { children: string }) => <Text span size="xs" c="dimmed">{children}</Text>;

function ObjectName({ kind, id, name }: { kind: string; id: string; name: string }) {
  const { routesByPath } = useRouter();
  const page = PAGES[kind]?.(id);
  const known = page && (page.to in routesByPath || page.to.replace(id, '$id') in routesByPath);
  return known ? <Link to={page.to} search={page.search}>{name}</Link> : name;
}

function DeviceName({ id }: { id: string }) {
  const { data, error } = useQuery({ ...getDeviceOptions({ path: { id } }), staleTime: 5 * 60_000, retry: false });
  if (error) return <Text span size="sm">{id}</Text>;
  return <DeviceLink id={id}>{data?.friendly_name ?? '…'}</DeviceLink>;
}
