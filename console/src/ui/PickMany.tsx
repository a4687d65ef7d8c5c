// Several things chosen by name: tags, groups, devices, users.
import { MultiSelect, type MultiSelectProps } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useQueries, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { listSmartGroups, listTags, listUserGroups, type SmartGroup, type Tag, type UserGroup } from '../api';
import {
  getDeviceOptions, getUserOptions, listDevicesOptions, listSmartGroupsQueryKey, listTagsQueryKey, listUserGroupsQueryKey,
  listUsersOptions,
} from '../api/@tanstack/react-query.gen';
import { useOrganizationGroups } from '../app/scope';
import { useWhole } from '../lib/whole';
import type { Option } from './FilterBar';

type Props = Omit<MultiSelectProps, 'data' | 'value' | 'onChange'> & { label: string; value: string[]; onChange: (value: string[]) => void };

const ALL = 500;
const page = (cursor: string | undefined, signal: AbortSignal) => ({ query: { limit: ALL, cursor }, signal, throwOnError: true }) as const;
export const useAllTags = () => useWhole<Tag>(listTagsQueryKey(), (cursor, signal) => listTags(page(cursor, signal))).data;
export const useAllSmartGroups = () => useWhole<SmartGroup>(listSmartGroupsQueryKey(), (cursor, signal) => listSmartGroups(page(cursor, signal))).data;
export const useAllUserGroups = () => useWhole<UserGroup>(listUserGroupsQueryKey(), (cursor, signal) => listUserGroups(page(cursor, signal))).data;

/** What is chosen stays nameable although it may not be among what was found. */
function PickMany({ options, ...props }: Props & { options: Option[] }) {
  const known = new Set(options.map(({ value }) => value));
  const data = [...options, ...props.value.filter((id) => !known.has(id)).map((id) => ({ value: id, label: id }))];
  return <MultiSelect searchable hidePickedOptions clearable={props.value.length > 1} nothingFoundMessage="Nothing found" {...props} data={data} />;
}

const optionsOf = (items: { id: string; name: string }[] | undefined): Option[] => (items ?? []).map(({ id, name }) => ({ value: id, label: name }));

export const PickTags = (props: Props) => <PickMany options={optionsOf(useAllTags())} {...props} />;
export const PickSmartGroups = (props: Props) => <PickMany options={optionsOf(useAllSmartGroups())} {...props} />;
export const PickUserGroups = (props: Props) => <PickMany options={optionsOf(useAllUserGroups())} {...props} />;
export const PickOrganizationGroups = (props: Props) => <PickMany options={optionsOf(useOrganizationGroups())} {...props} />;

const FOUND = 20;
const KEEP = { staleTime: 5 * 60_000 };
const useTyped = () => {
  const [typed, setTyped] = useState('');
  const [q] = useDebouncedValue(typed.trim(), 250);
  return [q || undefined, setTyped] as const;
};
// The server has searched already.
const asFound = { filter: ({ options }: { options: unknown[] }) => options } as Pick<MultiSelectProps, 'filter'>;
const merged = (...lists: Option[][]) => [...new Map(lists.flat().map((option) => [option.value, option])).values()];

export function useDeviceNames(ids: string[]): Option[] {
  return useQueries({ queries: ids.map((id) => ({ ...getDeviceOptions({ path: { id } }), ...KEEP })) }).flatMap(({ data }) =>
    data ? [{ value: data.id, label: data.friendly_name }] : [],
  );
}
export function useUserNames(ids: string[]): Option[] {
  return useQueries({ queries: ids.map((id) => ({ ...getUserOptions({ path: { id } }), ...KEEP })) }).flatMap(({ data }) =>
    data ? [{ value: data.id, label: data.display_name ?? data.user_name }] : [],
  );
}

export function PickDevices(props: Props) {
  const [q, setTyped] = useTyped();
  const { data } = useQuery({ ...listDevicesOptions({ query: { q, limit: FOUND } }), ...KEEP });
  const found = (data?.items ?? []).map((device) => ({ value: device.id, label: device.friendly_name }));
  return <PickMany options={merged(found, useDeviceNames(props.value))} {...asFound} onSearchChange={setTyped} {...props} />;
}
export function PickUsers(props: Props) {
  const [q, setTyped] = useTyped();
  const { data } = useQuery({ ...listUsersOptions({ query: { q, limit: FOUND } }), ...KEEP });
  const found = (data?.items ?? []).map((user) => ({ value: user.id, label: user.display_name ?? user.user_name }));
  return <PickMany options={merged(found, useUserNames(props.value))} {...asFound} onSearchChange={setTyped} {...props} />;
}
