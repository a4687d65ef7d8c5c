// Users > Directory: all people whose devices are managed.
import { Button, Group, Stack } from '@mantine/core';
import { IconPencil, IconPlus, IconTrash } from '@tabler/icons-react';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { type Entry, listUsers, type User } from '../../api';
import { listUsersOptions } from '../../api/@tanstack/react-query.gen';
import { useScope } from '../../app/scope';
import { Allowed, useRights } from '../../app/session';
import { useListSearch } from '../../lib/list';
import { count } from '../../lib/words';
import { RiskBadge } from '../../ui/badges';
import { type Column, DataTable } from '../../ui/DataTable';
import { ExportButton } from '../../ui/ExportButton';
import { type Filter, FilterBar } from '../../ui/FilterBar';
import { Link } from '../../ui/Link';
import { LivePill } from '../../ui/LivePill';
import { OrganizationGroupName, UserLink } from '../../ui/names';
import { PageHeader } from '../../ui/PageHeader';
import { useAllUserGroups } from '../../ui/PickMany';
import { EmptyState } from '../../ui/states';
import { DeleteUser } from './DeleteUser';
import { DirectoryTabs } from './DirectoryTabs';
import { userSearch } from './search';
import { UserForm } from './UserForm';

type Sort = (typeof userSearch.sorts)[number];
type Dialog = { kind: 'create' } | { kind: 'edit' | 'delete'; user: User };

const COLUMNS: Column<User, Sort>[] = [
  { key: 'user_name', title: 'User name', sort: 'user_name', render: (u) => <UserLink id={u.id}>{u.user_name}</UserLink> },
  { key: 'name', title: 'Name', render: (u) => u.display_name ?? '–' },
  { key: 'email', title: 'Email', render: (u) => u.email ?? '–' },
  { key: 'phone', title: 'Phone', render: (u) => u.phone ?? '–' },
  { key: 'group', title: 'Organization group', render: (u) => <OrganizationGroupName id={u.organization_group_id} /> },
  { key: 'devices', title: 'Devices', render: (u) => <Link to="/devices" search={{ user_id: u.id }} aria-label={`${count(u.devices)} devices of ${u.display_name ?? u.user_name}`}>{count(u.devices)}</Link> },
  { key: 'risk', title: 'Risk status', render: (u) => <RiskBadge level={u.risk_status} /> },
  { key: 'score', title: 'Score', sort: 'score', descendingFirst: true, render: (u) => Math.round(u.score) },
];

const pickUserGroup = {
  kind: 'pick' as const,
  useOptions: (typed: string) => (useAllUserGroups() ?? []).filter(({ name }) => name.toLowerCase().includes(typed.trim().toLowerCase())).map(({ id, name }) => ({ value: id, label: name })),
  useName: (id: string) => useAllUserGroups()?.find((group) => group.id === id)?.name,
};

const FILTERS: Filter<keyof ReturnType<typeof userSearch.readFilters>>[] = [
  { key: 'q', label: 'Search', atHand: true, kind: 'search', placeholder: 'User name or email' },
  { key: 'user_group_id', label: 'User group', atHand: true, ...pickUserGroup },
  { key: 'risky', label: 'Risky (score above 0)', kind: 'one', values: ['true', 'false'] },
  { key: 'email', label: 'Exact email', kind: 'text' },
];

const CSV = (['id', 'user_name', 'display_name', 'email', 'phone', 'locale', 'devices', 'risk_status', 'score'] as const).map((key) => ({ title: key, value: (u: User) => u[key] }));

const concernsUsers = (entry: Entry) => entry.object?.kind === 'user';

export default function UserList() {
  const list = useListSearch(userSearch);
  const { og } = useScope();
  const navigate = useNavigate();
  const asked = { ...list.query, organization_group_id: og };
  const query = useQuery({ ...listUsersOptions({ query: asked }), placeholderData: keepPreviousData });
  const mayManage = useRights()('manage_users');
  const [dialog, setDialog] = useState<Dialog>();
  const close = () => setDialog(undefined);
  const actions: Column<User, Sort> = {
    key: 'actions',
    title: '',
    render: (user) => (
      <Group gap={4} justify="flex-end" wrap="nowrap">
        <Button size="compact-xs" variant="default" leftSection={<IconPencil size={14} aria-hidden />} aria-label={`Edit ${user.user_name}`} onClick={() => setDialog({ kind: 'edit', user })}>Edit</Button>
        <Button size="compact-xs" variant="default" leftSection={<IconTrash size={14} aria-hidden />} aria-label={`Delete ${user.user_name}`} onClick={() => setDialog({ kind: 'delete', user })}>Delete</Button>
      </Group>
    ),
  };
  const create = <Allowed right="manage_users"><Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setDialog({ kind: 'create' })}>New user</Button></Allowed>;
  const filters = { ...list.filters, risky: list.filters.risky === undefined ? undefined : String(list.filters.risky) };
  return (
    <Stack gap="sm">
      <PageHeader title="Directory" description="The people whose devices are managed, and how to reach them.">
        <LivePill query={query} concerns={concernsUsers} />
        <ExportButton name="users" columns={CSV} fetchPage={(cursor) => listUsers({ query: { ...asked, limit: 500, cursor }, throwOnError: true })} />
        {create}
      </PageHeader>
      <DirectoryTabs />
      <FilterBar list={{ ...list, filters }} filters={FILTERS} />
      <DataTable
        label="Users"
        list={list}
        query={query}
        columns={mayManage ? [...COLUMNS, actions] : COLUMNS}
        idOf={(u) => u.id}
        nameOf={(u) => u.display_name ?? u.user_name}
        empty={<EmptyState title="Nobody yet" action={create}>Create a user, then an enrollment token for them: with it they enroll their device.</EmptyState>}
      />
      {dialog?.kind === 'create' && <UserForm onClose={close} onCreated={(user) => void navigate({ to: '/users/$userId', params: { userId: user.id } })} />}
      {dialog?.kind === 'edit' && <UserForm user={dialog.user} onClose={close} />}
      {dialog?.kind === 'delete' && <DeleteUser user={dialog.user} onClose={close} />}
    </Stack>
  );
}
