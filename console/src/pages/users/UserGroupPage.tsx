// One user group and its members.
import { Button, Group, Stack, Text } from '@mantine/core';
import { useForm } from '@mantine/form';
import { IconPlus } from '@tabler/icons-react';
import { keepPreviousData, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { changeUserGroupMembers, type Entry, type MembersEdit, type User, type UserGroup } from '../../api';
import {
  getUserGroupOptions, getUserGroupQueryKey, listUserGroupMembersOptions, listUserGroupMembersQueryKey, listUserGroupsQueryKey, listUsersQueryKey,
} from '../../api/@tanstack/react-query.gen';
import { Allowed, useRights } from '../../app/session';
import { newKey } from '../../lib/api';
import { useListSearch } from '../../lib/list';
import { counted } from '../../lib/words';
import { RiskBadge } from '../../ui/badges';
import { type Column, DataTable } from '../../ui/DataTable';
import { FormModal } from '../../ui/FormModal';
import { Link } from '../../ui/Link';
import { LivePill } from '../../ui/LivePill';
import { Loading } from '../../ui/Loading';
import { OrganizationGroupName, UserLink } from '../../ui/names';
import { PageHeader } from '../../ui/PageHeader';
import { PickUsers } from '../../ui/PickMany';
import { reversible } from '../../ui/reversible';
import { useSelection } from '../../ui/selection';
import { EmptyState, ErrorState } from '../../ui/states';
import { Time } from '../../ui/Time';
import { toastDone } from '../../ui/toasts';
import { memberSearch } from './search';
import { DeleteUserGroup, UserGroupForm } from './UserGroupList';

const route = getRouteApi('/shell/users/groups/$userGroupId');
const idOf = (user: User) => user.id;
// So many the API changes at once.
const MOST = 1000;

const COLUMNS: Column<User, 'created_at'>[] = [
  { key: 'user_name', title: 'User name', render: (u) => <UserLink id={u.id}>{u.user_name}</UserLink> },
  { key: 'name', title: 'Name', render: (u) => u.display_name ?? '–' },
  { key: 'email', title: 'Email', render: (u) => u.email ?? '–' },
  { key: 'risk', title: 'Risk status', render: (u) => <RiskBadge level={u.risk_status} /> },
  { key: 'created', title: 'Created', sort: 'created_at', descendingFirst: true, render: (u) => <Time at={u.created_at} /> },
];

function useChangeMembers(id: string) {
  const queries = useQueryClient();
  const refresh = () =>
    Promise.all(
      [getUserGroupQueryKey({ path: { id } }), listUserGroupMembersQueryKey({ path: { id } }), listUserGroupsQueryKey(), listUsersQueryKey()].map((queryKey) => queries.invalidateQueries({ queryKey })),
    );
  const change = (body: MembersEdit, key = newKey()) => changeUserGroupMembers({ path: { id }, body, headers: { 'Idempotency-Key': key }, throwOnError: true });
  return { change, refresh };
}

export default function UserGroupPage() {
  const { userGroupId: id } = route.useParams();
  const navigate = useNavigate();
  const { data: group, error, refetch } = useQuery(getUserGroupOptions({ path: { id } }));
  const list = useListSearch(memberSearch);
  const query = useQuery({ ...listUserGroupMembersOptions({ path: { id }, query: list.query }), placeholderData: keepPreviousData });
  const mayManage = useRights()('manage_users');
  const selection = useSelection(idOf);
  const [dialog, setDialog] = useState<'add' | 'edit' | 'delete'>();
  const { change, refresh } = useChangeMembers(id);
  if (!group) return error ? <ErrorState error={error} onRetry={() => void refetch()} /> : <Loading />;
  const close = () => setDialog(undefined);
  const takeOut = () => {
    const chosen = selection.rows().map(idOf);
    selection.clear();
    void reversible(`${counted(chosen.length, 'user')} taken out of ${group.name}`, () => change({ remove: chosen }), () => change({ add: chosen }), refresh);
  };
  const add = <Allowed right="manage_users"><Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setDialog('add')}>Add users</Button></Allowed>;
  return (
    <Stack gap="sm">
      <Text size="sm"><Link to="/users/groups">User groups</Link></Text>
      <PageHeader title={group.name} description={<>{counted(group.members, 'member')} · <OrganizationGroupName id={group.organization_group_id} /></>}>
        <LivePill query={query} concerns={(entry: Entry) => entry.object?.kind === 'user_group' && entry.object.id === id} />
        <Allowed right="manage_users">
          <Button variant="default" onClick={() => setDialog('edit')}>Edit</Button>
          <Button variant="default" onClick={() => setDialog('delete')}>Delete</Button>
        </Allowed>
        {add}
      </PageHeader>
      {mayManage && selection.size > 0 && (
        <Group gap="xs">
          <Button size="xs" variant="default" disabled={selection.size > MOST} onClick={takeOut}>Take {counted(selection.size, 'user')} out</Button>
        </Group>
      )}
      <DataTable
        label="Members"
        list={list}
        query={query}
        columns={COLUMNS}
        idOf={idOf}
        nameOf={(u) => u.display_name ?? u.user_name}
        selection={mayManage ? selection : undefined}
        empty={<EmptyState title="Nobody is in it yet" action={add}>Smart groups that ask for this user group take in the devices of its members.</EmptyState>}
      />
      {dialog === 'add' && <AddUsers group={group} onClose={close} />}
      {dialog === 'edit' && <UserGroupForm group={group} onClose={close} />}
      {dialog === 'delete' && <DeleteUserGroup group={group} onClose={close} onDeleted={() => void navigate({ to: '/users/groups' })} />}
    </Stack>
  );
}

function AddUsers({ group, onClose }: { group: UserGroup; onClose: () => void }) {
  const { change, refresh } = useChangeMembers(group.id);
  const form = useForm<{ add: string[] }>({
    initialValues: { add: [] },
    validate: { add: (add) => (add.length === 0 ? 'Choose at least one user' : add.length > MOST ? `At most ${MOST} at once` : null) },
  });
  const save = async ({ add }: { add: string[] }, key: string) => {
    const { data } = await change({ add }, key);
    toastDone(`${counted(data.added, 'user')} added, ${counted(data.devices, 'device')} evaluated anew`);
    await refresh();
  };
  return (
    <FormModal title={`Add users to ${group.name}`} form={form} submitLabel="Add" onSubmit={save} onClose={onClose}>
      <PickUsers label="Users" {...form.getInputProps('add')} value={form.values.add} />
      <Text size="sm" c="dimmed">Their devices are evaluated anew at once.</Text>
    </FormModal>
  );
}
