// Profiles: how far each has come, to whom it is assigned, and on how many devices it stands how.
import { Button, Group, Menu, Stack, Text } from '@mantine/core';
import { IconChevronDown, IconPlus } from '@tabler/icons-react';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { type Entry, listProfiles, type Profile, type ProfileStatus } from '../../api';
import { listProfilesOptions } from '../../api/@tanstack/react-query.gen';
import { Allowed } from '../../app/session';
import { useListSearch } from '../../lib/list';
import { count, words } from '../../lib/words';
import { StatusBadge } from '../../ui/badges';
import { type Column, DataTable } from '../../ui/DataTable';
import { ExportButton } from '../../ui/ExportButton';
import { type Filter, FilterBar } from '../../ui/FilterBar';
import { Link } from '../../ui/Link';
import { LivePill } from '../../ui/LivePill';
import { pickSmartGroup, ProfileLink, SmartGroupLink } from '../../ui/names';
import { PageHeader } from '../../ui/PageHeader';
import { QuickstartButton } from '../../ui/Quickstart';
import { EmptyState } from '../../ui/states';
import { Time } from '../../ui/Time';
import { PROFILE_STATUSES } from '../devices/search';
import { useNames } from '../smart-groups/names';
import { PLATFORMS, profileSearch, STATES } from './search';

type Sort = (typeof profileSearch.sorts)[number];

const FILTERS: Filter<keyof ReturnType<typeof profileSearch.readFilters>>[] = [
  { key: 'q', label: 'Search', atHand: true, kind: 'search', placeholder: 'Name or description' },
  { key: 'platform', label: 'Platform', atHand: true, kind: 'one', values: PLATFORMS },
  { key: 'state', label: 'State', atHand: true, kind: 'many', values: STATES },
  { key: 'smart_group_id', label: 'Smart group', ...pickSmartGroup },
];

const concernsProfiles = (entry: Entry) => entry.object?.kind === 'profile';

/** On how many devices a profile stands how; each number leads to them. */
export function DeviceCounts({ profile }: { profile: Profile }) {
  const counts = PROFILE_STATUSES.flatMap((status) => (profile.devices[status] ? [[status, profile.devices[status]] as const] : []));
  if (counts.length === 0) return <Text span size="sm" c="dimmed">On no device</Text>;
  return (
    <Group gap={8} component="span">
      {counts.map(([status, n]: readonly [ProfileStatus, number]) => (
        <Link key={status} to="/devices" search={{ profile_id: profile.id, profile_status: [status] }} aria-label={`${words(status)} ${count(n)}: devices with ${profile.name}`} underline="hover">
          <StatusBadge status={status} /> {count(n)}
        </Link>
      ))}
    </Group>
  );
}

export default function ProfileList() {
  const list = useListSearch(profileSearch);
  const navigate = useNavigate();
  const name = useNames();
  const query = useQuery({ ...listProfilesOptions({ query: list.query }), placeholderData: keepPreviousData });

  const columns: Column<Profile, Sort>[] = [
    { key: 'name', title: 'Name', sort: 'name', render: (profile) => <ProfileLink id={profile.id}>{profile.name}</ProfileLink> },
    { key: 'platform', title: 'Platform', sort: 'platform', render: (profile) => words(profile.platform) },
    { key: 'state', title: 'State', sort: 'state', render: (profile) => <StatusBadge status={profile.state} /> },
    { key: 'version', title: 'Version', render: (profile) => (profile.published_version > 0 ? profile.published_version : '–') },
    { key: 'devices', title: 'Devices', render: (profile) => <DeviceCounts profile={profile} /> },
    {
      key: 'groups', title: 'Smart groups',
      render: (profile) => (profile.spec.assigned_groups?.length ? <Group gap={8} component="span">{profile.spec.assigned_groups.map((id) => <SmartGroupLink key={id} id={id}>{name(id)}</SmartGroupLink>)}</Group> : '–'),
    },
    { key: 'updated', title: 'Changed', sort: 'updated_at', descendingFirst: true, render: (profile) => <Time at={profile.updated_at} /> },
  ];
  const csv = [
    ...(['id', 'name', 'platform', 'state', 'published_version', 'updated_at'] as const).map((key) => ({ title: key, value: (profile: Profile) => profile[key] })),
    { title: 'smart_groups', value: (profile: Profile) => (profile.spec.assigned_groups ?? []).map(name).join('; ') },
    ...PROFILE_STATUSES.map((status) => ({ title: status, value: (profile: Profile) => profile.devices[status] ?? 0 })),
  ];
  const create = (
    <Allowed right="manage_profiles">
      <Menu position="bottom-end">
        <Menu.Target><Button leftSection={<IconPlus size={16} aria-hidden />} rightSection={<IconChevronDown size={14} aria-hidden />}>New profile</Button></Menu.Target>
        <Menu.Dropdown>
          {PLATFORMS.map((each) => <Menu.Item key={each} onClick={() => void navigate({ to: '/profiles/$id', params: { id: 'new' }, search: { platform: each } as never })}>{words(each)}</Menu.Item>)}
        </Menu.Dropdown>
      </Menu>
    </Allowed>
  );
  return (
    <Stack gap="sm">
      <PageHeader title="Profiles" description="What is put on devices in smart groups, and taken off again when they leave.">
        <LivePill query={query} concerns={concernsProfiles} />
        <ExportButton name="profiles" columns={csv} fetchPage={(cursor) => listProfiles({ query: { ...list.query, limit: 500, cursor }, throwOnError: true })} />
        {create}
      </PageHeader>
      <FilterBar list={list} filters={FILTERS} />
      <DataTable
        label="Profiles"
        list={list}
        query={query}
        columns={columns}
        idOf={(profile) => profile.id}
        nameOf={(profile) => profile.name}
        empty={
          <EmptyState title="No profiles yet" action={<Group><QuickstartButton />{create}</Group>}>
            The risk response makes six, for Android and iOS at each risk level, with smart groups for them. Or make your own.
          </EmptyState>
        }
      />
    </Stack>
  );
}
