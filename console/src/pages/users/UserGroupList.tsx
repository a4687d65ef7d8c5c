// User groups: sets of users that smart groups can ask for or exclude.
import { Button, Group, Stack, Text, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { IconPencil, IconPlus, IconTrash } from '@tabler/icons-react';
import { keepPreviousData, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { createUserGroup, deleteUserGroup, editUserGroup, type Entry, type UserGroup } from '../../api';
import { getUserGroupQueryKey, listUserGroupsOptions, listUserGroupsQueryKey } from '../../api/@tanstack/react-query.gen';
import { useOrganizationGroups, useScope } from '../../app/scope';
import { Allowed, useRights } from '../../app/session';
import { useListSearch } from '../../lib/list';
import { counted } from '../../lib/words';
import { ConfirmModal } from '../../ui/ConfirmModal';
import { type Column, DataTable } from '../../ui/DataTable';
import { type Filter, FilterBar } from '../../ui/FilterBar';
import { FormModal } from '../../ui/FormModal';
import { Link } from '../../ui/Link';
import { LivePill } from '../../ui/LivePill';
import { OrganizationGroupName } from '../../ui/names';
import { OrganizationGroupSelect } from '../../ui/OrganizationGroupSelect';
import { PageHeader } from '../../ui/PageHeader';
import { EmptyState } from '../../ui/states';
import { toastDone } from '../../ui/toasts';
import { DirectoryTabs } from './DirectoryTabs';
import { userGroupSearch } from './search';

type Dialog = { kind: 'create' } | { kind: 'edit' | 'delete'; group: UserGroup };

const FILTERS: Filter<'q'>[] = [{ key: 'q', label: 'Search', atHand: true, kind: 'search', placeholder: 'Name' }];
const concernsGroups = (entry: Entry) => entry.object?.kind === 'user_group';

export default function UserGroupList() {
  const list = useListSearch(userGroupSearch);
  const query = useQuery({ ...listUserGroupsOptions({ query: list.query }), placeholderData: keepPreviousData });
  const mayManage = useRights()('manage_users');
  const [dialog, setDialog] = useState<Dialog>();
  const close = () => setDialog(undefined);
  const columns: Column<UserGroup, 'name' | 'members'>[] = [
    { key: 'name', title: 'Name', sort: 'name', render: (group) => <Link to="/users/groups/$userGroupId" params={{ userGroupId: group.id }}>{group.name}</Link> },
    { key: 'members', title: 'Members', sort: 'members', descendingFirst: true, render: (group) => <Link to="/users" search={{ user_group_id: group.id }} aria-label={`${counted(group.members, 'member')} of ${group.name}`}>{counted(group.members, 'member')}</Link> },
    { key: 'og', title: 'Organization group', render: (group) => <OrganizationGroupName id={group.organization_group_id} /> },
  ];
  if (mayManage) {
    columns.push({
      key: 'actions',
      title: '',
      render: (group) => (
        <Group gap={4} justify="flex-end" wrap="nowrap">
          <Button size="compact-xs" variant="default" leftSection={<IconPencil size={14} aria-hidden />} aria-label={`Edit ${group.name}`} onClick={() => setDialog({ kind: 'edit', group })}>Edit</Button>
          <Button size="compact-xs" variant="default" leftSection={<IconTrash size={14} aria-hidden />} aria-label={`Delete ${group.name}`} onClick={() => setDialog({ kind: 'delete', group })}>Delete</Button>
        </Group>
      ),
    });
  }
  const create = <Allowed right="manage_users"><Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setDialog({ kind: 'create' })}>New user group</Button></Allowed>;
  return (
    <Stack gap="sm">
      <PageHeader title="User groups" description="Sets of users, for smart groups to ask for or to exclude.">
        <LivePill query={query} concerns={concernsGroups} />
        {create}
      </PageHeader>
      <DirectoryTabs />
      <FilterBar list={list} filters={FILTERS} />
      <DataTable label="User groups" list={list} query={query} columns={columns} idOf={(group) => group.id} nameOf={(group) => group.name} empty={<EmptyState title="No user groups yet" action={create}>Make one, put users into it, and let a smart group ask for it.</EmptyState>} />
      {dialog?.kind === 'create' && <UserGroupForm onClose={close} />}
      {dialog?.kind === 'edit' && <UserGroupForm group={dialog.group} onClose={close} />}
      {dialog?.kind === 'delete' && <DeleteUserGroup group={dialog.group} onClose={close} />}
    </Stack>
  );
}

export function UserGroupForm({ group, onClose }: { group?: UserGroup; onClose: () => void }) {
  const queries = useQueryClient();
  const groups = useOrganizationGroups();
  const { og } = useScope();
  const home = og ?? groups.find((each) => !groups.some((other) => other.id === each.parent_id))?.id ?? '';
  const refresh = () => Promise.all([queries.invalidateQueries({ queryKey: listUserGroupsQueryKey() }), group && queries.invalidateQueries({ queryKey: getUserGroupQueryKey({ path: { id: group.id } }) })]);
  const form = useForm({
    initialValues: { name: group?.name ?? '', organization_group_id: group?.organization_group_id ?? home },
    validate: { name: (name) => (name.trim() ? null : 'Enter a name') },
  });
  const save = async (values: { name: string; organization_group_id: string }, key: string) => {
    const body = { name: values.name.trim(), organization_group_id: values.organization_group_id || undefined };
    if (!group) {
      await createUserGroup({ body, headers: { 'Idempotency-Key': key }, throwOnError: true });
      toastDone(`User group ${body.name} created`);
    } else {
      const { data: edited } = await editUserGroup({ path: { id: group.id }, body: { ...body, version: group.version }, throwOnError: true });
      toastDone(`${body.name} changed`, async () => {
        await editUserGroup({ path: { id: group.id }, body: { name: group.name, organization_group_id: group.organization_group_id, version: edited.version }, throwOnError: true });
        await refresh();
      });
    }
    await refresh();
  };
  return (
    <FormModal title={group ? `Edit ${group.name}` : 'New user group'} form={form} submitLabel={group ? 'Save' : 'Create'} onSubmit={save} onClose={onClose}>
      <TextInput label="Name" withAsterisk maxLength={100} data-autofocus {...form.getInputProps('name')} />
      <OrganizationGroupSelect {...form.getInputProps('organization_group_id')} onChange={(value) => form.setFieldValue('organization_group_id', value ?? '')} />
    </FormModal>
  );
}

export function DeleteUserGroup({ group, onClose, onDeleted }: { group: UserGroup; onClose: () => void; onDeleted?: () => void }) {
  const queries = useQueryClient();
  const remove = async () => {
    await deleteUserGroup({ path: { id: group.id }, throwOnError: true });
    toastDone(`User group ${group.name} deleted`);
    onDeleted?.();
    await queries.invalidateQueries({ queryKey: listUserGroupsQueryKey() });
  };
  return (
    <ConfirmModal title={`Delete ${group.name}`} confirmLabel="Delete user group" typed={group.name} onConfirm={remove} onClose={onClose}>
      <Text size="sm">{counted(group.members, 'user')} leave it for good; the users themselves stay. It cannot be deleted while a smart group names it.</Text>
    </ConfirmModal>
  );
}
