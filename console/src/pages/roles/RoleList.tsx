// Roles: the built-in ones and the tenant's own.
import { Button, Group, SimpleGrid, Stack, Text } from '@mantine/core';
import { IconCheck, IconCopy, IconPencil, IconPlus, IconTrash, IconX } from '@tabler/icons-react';
import { keepPreviousData, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useState } from 'react';
import { deleteRole, type Entry, type Role } from '../../api';
import { getRoleOptions, listRolesOptions, listRolesQueryKey } from '../../api/@tanstack/react-query.gen';
import { Allowed, useRights } from '../../app/session';
import { useListSearch } from '../../lib/list';
import { ConfirmModal } from '../../ui/ConfirmModal';
import { type Column, DataTable } from '../../ui/DataTable';
import { type Filter, FilterBar } from '../../ui/FilterBar';
import { Here, usePatch } from '../../ui/Here';
import { LivePill } from '../../ui/LivePill';
import { Modal } from '../../ui/Modal';
import { PageHeader } from '../../ui/PageHeader';
import { EmptyState, ErrorState } from '../../ui/states';
import { toastDone } from '../../ui/toasts';
import { AdminTabs } from '../admins/AdminTabs';
import { ALL_RIGHTS, RIGHTS } from './rights';
import { RoleForm } from './RoleForm';
import { beyondText, useBeyond } from './roles';
import { roleSearch } from './search';

type Dialog = { kind: 'create' } | { kind: 'edit' | 'copy' | 'delete'; role: Role };

const route = getRouteApi('/shell/roles');
const FILTERS: Filter<'q' | 'built_in' | 'right'>[] = [
  { key: 'q', label: 'Search', atHand: true, kind: 'search', placeholder: 'Name' },
  { key: 'built_in', label: 'Kind', atHand: true, kind: 'flags', words: ['Built-in', 'Own'] },
  { key: 'right', label: 'Holds the right', atHand: true, kind: 'one', values: ALL_RIGHTS.map(({ right }) => right) },
];
const concernsRoles = (entry: Entry) => entry.object?.kind === 'role';

export default function RoleList() {
  const list = useListSearch(roleSearch);
  const query = useQuery({ ...listRolesOptions({ query: list.query }), placeholderData: keepPreviousData });
  const mayManage = useRights()('manage_roles');
  const beyond = useBeyond();
  const [dialog, setDialog] = useState<Dialog>();
  const close = () => setDialog(undefined);
  const { role: shown } = route.useSearch();
  const patch = usePatch();
  const columns: Column<Role, 'name'>[] = [
    { key: 'name', title: 'Name', sort: 'name', render: (role) => <Here patch={{ role: role.id }}>{role.name}</Here> },
    { key: 'kind', title: 'Kind', render: (role) => (role.built_in ? 'Built-in' : 'Own') },
    { key: 'rights', title: 'Rights', render: (role) => (role.rights.length === ALL_RIGHTS.length ? 'All' : `${role.rights.length} of ${ALL_RIGHTS.length}`) },
    { key: 'notify', title: 'Notify', render: (role) => (role.rights.includes('notify') ? 'Yes' : 'No') },
  ];
  if (mayManage) {
    columns.push({
      key: 'actions',
      title: '',
      render: (role) => {
        const missing = beyond(role.rights);
        return (
          <Group gap={4} justify="flex-end" wrap="nowrap">
            <Button size="compact-xs" variant="default" leftSection={<IconCopy size={14} aria-hidden />} aria-label={`Copy ${role.name}`} onClick={() => setDialog({ kind: 'copy', role })}>Copy</Button>
            {!role.built_in && (
              <>
                <Button size="compact-xs" variant="default" leftSection={<IconPencil size={14} aria-hidden />} aria-label={`Edit ${role.name}`} onClick={() => setDialog({ kind: 'edit', role })}>Edit</Button>
                <Button size="compact-xs" variant="default" leftSection={<IconTrash size={14} aria-hidden />} aria-label={`Delete ${role.name}`} disabled={missing.length > 0} title={missing.length > 0 ? beyondText(missing) : undefined} onClick={() => setDialog({ kind: 'delete', role })}>Delete</Button>
              </>
            )}
          </Group>
        );
      },
    });
  }
  const create = <Allowed right="manage_roles"><Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setDialog({ kind: 'create' })}>New role</Button></Allowed>;
  return (
    <Stack gap="sm">
      <PageHeader title="Roles" description="What administrators and API tokens may do. Built-in roles cannot be changed, only copied.">
        <LivePill query={query} concerns={concernsRoles} />
        {create}
      </PageHeader>
      <AdminTabs />
      <FilterBar list={list} filters={FILTERS} />
      <DataTable label="Roles" list={list} query={query} columns={columns} idOf={(role) => role.id} nameOf={(role) => role.name} empty={<EmptyState title="No roles" action={create} />} />
      {shown && <RoleView id={shown} onClose={() => patch({ role: undefined })} />}
      {dialog?.kind === 'create' && <RoleForm onClose={close} />}
      {dialog?.kind === 'copy' && <RoleForm copyOf={dialog.role} onClose={close} />}
      {dialog?.kind === 'edit' && <RoleForm role={dialog.role} onClose={close} />}
      {dialog?.kind === 'delete' && <DeleteRole role={dialog.role} onClose={close} />}
    </Stack>
  );
}

function RoleView({ id, onClose }: { id: string; onClose: () => void }) {
  const { data: role, error } = useQuery(getRoleOptions({ path: { id } }));
  return (
    <Modal opened onClose={onClose} title={role?.name ?? 'Role'} size="xl">
      {error && <ErrorState error={error} />}
      {role && (
        <SimpleGrid cols={{ base: 1, sm: 2 }}>
          {RIGHTS.map(({ group, rights }) => (
            <Stack key={group} gap={6}>
              <Text fw={600} size="sm">{group}</Text>
              {rights.map(({ right, label, text }) => {
                const held = role.rights.includes(right);
                return (
                  <Group key={right} gap="xs" wrap="nowrap" align="flex-start">
                    {held ? <IconCheck size={16} aria-label="Held" /> : <IconX size={16} aria-label="Not held" />}
                    <div>
                      <Text size="sm" fw={held ? 600 : undefined} c={held ? undefined : 'dimmed'}>{label}</Text>
                      <Text size="xs" c="dimmed">{text}</Text>
                    </div>
                  </Group>
                );
              })}
            </Stack>
          ))}
        </SimpleGrid>
      )}
    </Modal>
  );
}

function DeleteRole({ role, onClose }: { role: Role; onClose: () => void }) {
  const queries = useQueryClient();
  const remove = async () => {
    await deleteRole({ path: { id: role.id }, throwOnError: true });
    toastDone(`Role ${role.name} deleted`);
    await queries.invalidateQueries({ queryKey: listRolesQueryKey() });
  };
  return (
    <ConfirmModal title={`Delete ${role.name}`} confirmLabel="Delete role" onConfirm={remove} onClose={onClose}>
      <Text size="sm">The role is gone for good. It cannot be deleted while anybody holds it.</Text>
    </ConfirmModal>
  );
}
