// Things shown by name: what the API gives only by id, links to their pages, and finding them for a filter.
import { useDebouncedValue } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import {
  getUserOptions, listClassificationsOptions, listProfilesOptions, listSmartGroupsOptions, listTagsOptions, listUsersOptions,
} from '../api/@tanstack/react-query.gen';
import { useOrganizationGroups } from '../app/scope';
import { words } from '../lib/words';
import type { Option } from './FilterBar';
import { Link } from './Link';

const KEEP = { staleTime: 5 * 60_000 };
const ALL = { query: { limit: 500 } };

export const DeviceLink = ({ id, children }: { id: string; children: ReactNode }) => <Link to={`/devices/${id}` as string}>{children}</Link>;
export const UserLink = ({ id, children }: { id: string; children: ReactNode }) => <Link to={`/users/${id}` as string}>{children}</Link>;
export const ThreatLink = ({ id, children }: { id: string; children: ReactNode }) => <Link to={`/threats/${id}` as string}>{children}</Link>;
export const SmartGroupLink = ({ id, children }: { id: string; children: ReactNode }) => <Link to={`/smart-groups/${id}` as string}>{children}</Link>;
export const ProfileLink = ({ id, children }: { id: string; children: ReactNode }) => <Link to={`/profiles/${id}` as string}>{children}</Link>;

export function useUserName(id: string | null): string | undefined {
  const { data } = useQuery({ ...getUserOptions({ path: { id: id ?? '' } }), ...KEEP, enabled: Boolean(id) });
  return data && (data.display_name ?? data.user_name);
}
export function UserName({ id }: { id: string | null }) {
  const name = useUserName(id);
  return id ? <UserLink id={id}>{name ?? '…'}</UserLink> : '–';
}

export function useOrganizationGroupName(id: string): string | undefined {
  return useOrganizationGroups().find((group) => group.id === id)?.name;
}
export const OrganizationGroupName = ({ id }: { id: string }) => useOrganizationGroupName(id) ?? '–';

/** A kind of threat; sources may name one that Protections has no row for. */
export function ClassificationName({ id }: { id: string }) {
  const { data } = useQuery({ ...listClassificationsOptions(ALL), ...KEEP });
  return nameIn(data?.items, id) ?? words(id);
}

type Named = { id: string; name: string };
const matching = (items: Named[] | undefined, typed: string): Option[] =>
  (items ?? []).filter(({ name }) => name.toLowerCase().includes(typed.trim().toLowerCase())).map(({ id, name }) => ({ value: id, label: name }));
const nameIn = (items: Named[] | undefined, id: string) => items?.find((each) => each.id === id)?.name;

// For filters of the kind `pick`: spread them into the filter.
const useTags = () => useQuery({ ...listTagsOptions(ALL), ...KEEP }).data?.items;
export const pickTag = {
  kind: 'pick' as const,
  useOptions: (typed: string) => matching(useTags(), typed),
  useName: (id: string) => nameIn(useTags(), id),
};
const useSmartGroups = () => useQuery({ ...listSmartGroupsOptions(ALL), ...KEEP }).data?.items;
export const pickSmartGroup = {
  kind: 'pick' as const,
  useOptions: (typed: string) => matching(useSmartGroups(), typed),
  useName: (id: string) => nameIn(useSmartGroups(), id),
};
const useProfiles = () => useQuery({ ...listProfilesOptions(ALL), ...KEEP }).data?.items;
export const pickProfile = {
  kind: 'pick' as const,
  useOptions: (typed: string) => matching(useProfiles(), typed),
  useName: (id: string) => nameIn(useProfiles(), id),
};
export const pickUser = {
  kind: 'pick' as const,
  useOptions: (typed: string): Option[] => {
    const [q] = useDebouncedValue(typed.trim(), 250);
    const { data } = useQuery({ ...listUsersOptions({ query: { q: q || undefined, limit: 20 } }), ...KEEP });
    return (data?.items ?? []).map((user) => ({ value: user.id, label: user.display_name ?? user.user_name }));
  },
  useName: (id: string) => useUserName(id),
};
