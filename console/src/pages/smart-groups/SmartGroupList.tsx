// Smart groups: what selects their devices, how many there are, and which profiles they are assigned to.
import { Button, Group, Stack, Text } from '@mantine/core';
import { IconPlus, IconTrash } from '@tabler/icons-react';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { type Entry, listSmartGroups, type SmartGroup } from '../../api';
import { listSmartGroupsOptions } from '../../api/@tanstack/react-query.gen';
import { Allowed, useRights } from '../../app/session';
import { useListSearch } from '../../lib/list';
import { count } from '../../lib/words';
import { type Column, DataTable } from '../../ui/DataTable';
import { ExportButton } from '../../ui/ExportButton';
import { type Filter, FilterBar } from '../../ui/FilterBar';
import { JobNotice } from '../../ui/JobNotice';
import { Link } from '../../ui/Link';
import { LivePill } from '../../ui/LivePill';
import { OrganizationGroupName, pickTag, SmartGroupLink } from '../../ui/names';
import { PageHeader } from '../../ui/PageHeader';
import { QuickstartButton } from '../../ui/Quickstart';
import { EmptyState } from '../../ui/states';
import { DeleteSmartGroup } from './DeleteSmartGroup';
import { criteriaInWords, fullSelection } from './selection';
import { smartGroupSearch } from './search';
import { useNames } from './names';

type Sort = (typeof smartGroupSearch.sorts)[number];

const FILTERS: Filter<keyof ReturnType<typeof smartGroupSearch.readFilters>>[] = [
  { key: 'q', label: 'Search', atHand: true, kind: 'search', placeholder: 'Name' },
  { key: 'used', label: 'Use', atHand: true, kind: 'one', values: ['assigned', 'excluded', 'unused'] },
  { key: 'tag_id', label: 'Asks for the tag', ...pickTag },
];

const concernsGroups = (entry: Entry) => entry.object?.kind === 'smart_group';
const route = getRouteApi('/shell/smart-groups');

export default function SmartGroupList() {
  const list = useListSearch(smartGroupSearch);
  const { job } = route.useSearch();
  const navigate = useNavigate();
  const name = useNames();
  const mayManage = useRights()('manage_smart_groups');
  const [leaving, setLeaving] = useState<SmartGroup>();
  const follow = (id: string | undefined) => void navigate({ to: '.', search: ((now: object) => ({ ...now, job: id })) as never, replace: true });
  const query = useQuery({ ...listSmartGroupsOptions({ query: list.query }), placeholderData: keepPreviousData });

  const summary = (group: SmartGroup) => {
    const { kind, criteria, additions, exclusions } = fullSelection(group.selection);
    const [added, left] = [additions.devices.length + additions.users.length, exclusions.devices.length + exclusions.users.length + exclusions.user_groups.length];
    const parts = kind === 'devices_or_users' ? ['Named devices and users'] : criteriaInWords(criteria, name).map(([label, text]) => `${label}: ${text}`);
    if (parts.length === 0) parts.push('All devices');
    return [...parts, ...(added > 0 ? [`${count(added)} added`] : []), ...(left > 0 ? [`${count(left)} excluded`] : [])].join(' · ');
  };

  const profiles = (group: SmartGroup, n: number, how: 'assigned' | 'excluded') =>
    n === 0 ? '0' : <Link to={'/profiles' as string} search={{ smart_group_id: group.id } as never} aria-label={`${count(n)} profiles with ${group.name} ${how}`}>{count(n)}</Link>;
  const columns: Column<SmartGroup, Sort>[] = [
    { key: 'name', title: 'Name', sort: 'name', render: (group) => <SmartGroupLink id={group.id}>{group.name}</SmartGroupLink> },
    { key: 'selection', title: 'Selects', render: (group) => <Text span size="sm" title={summary(group)}>{summary(group)}</Text> },
    { key: 'devices', title: 'Devices', sort: 'devices', descendingFirst: true, render: (group) => <Link to="/devices" search={{ smart_group_id: group.id }} aria-label={`${count(group.devices)} devices in ${group.name}`}>{count(group.devices)}</Link> },
    { key: 'assignments', title: 'Assignments', sort: 'assignments', descendingFirst: true, render: (group) => profiles(group, group.assignments, 'assigned') },
    { key: 'exclusions', title: 'Exclusions', sort: 'exclusions', descendingFirst: true, render: (group) => profiles(group, group.exclusions, 'excluded') },
    { key: 'where', title: 'Organization group', render: (group) => <OrganizationGroupName id={group.organization_group_id} /> },
  ];
  if (mayManage) {
    columns.push({
      key: 'actions', title: '',
      render: (group) => <Button size="compact-xs" variant="default" leftSection={<IconTrash size={14} aria-hidden />} aria-label={`Delete ${group.name}`} onClick={() => setLeaving(group)}>Delete</Button>,
    });
  }
  const csv = [
    { title: 'id', value: (group: SmartGroup) => group.id },
    { title: 'name', value: (group: SmartGroup) => group.name },
    { title: 'selects', value: summary },
    ...(['devices', 'assignments', 'exclusions'] as const).map((key) => ({ title: key, value: (group: SmartGroup) => group[key] })),
  ];
  const create = (
    <Allowed right="manage_smart_groups">
      <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => void navigate({ to: '/smart-groups/$id', params: { id: 'new' } })}>New smart group</Button>
    </Allowed>
  );
  return (
    <Stack gap="sm">
      <PageHeader title="Smart groups" description="Devices selected by what they are, kept up to date by themselves. Profiles are assigned to them.">
        <LivePill query={query} concerns={concernsGroups} />
        <ExportButton name="smart-groups" columns={csv} fetchPage={(cursor) => listSmartGroups({ query: { ...list.query, limit: 500, cursor }, throwOnError: true })} />
        {create}
      </PageHeader>
      {job && <JobNotice id={job} onDone={() => void query.refetch()} onClose={() => follow(undefined)} />}
      <FilterBar list={list} filters={FILTERS} />
      <DataTable
        label="Smart groups"
        list={list}
        query={query}
        columns={columns}
        idOf={(group) => group.id}
        nameOf={(group) => group.name}
        empty={
          <EmptyState title="No smart groups yet" action={<Group><QuickstartButton />{create}</Group>}>
            The risk response makes one for each risk level, with profiles for them. Or make your own.
          </EmptyState>
        }
      />
      {leaving && <DeleteSmartGroup group={leaving} onDeleted={(id) => follow(id ?? undefined)} onClose={() => setLeaving(undefined)} />}
    </Stack>
  );
}
