// The tenant tree: organization groups are created, renamed, moved and deleted here.
import { Alert, Button, Group, Menu, Stack, Table, Text, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { IconCornerDownRight, IconDots, IconPlus } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import {
  createOrganizationGroup, deleteOrganizationGroup, editOrganizationGroup, type OrganizationGroup,
} from '../../api';
import { listOrganizationGroupsQueryKey } from '../../api/@tanstack/react-query.gen';
import { GLOBAL, useOrganizationGroups, useOrganizationGroupsQuery, useScope } from '../../app/scope';
import { Allowed, useRights } from '../../app/session';
import { words } from '../../lib/words';
import { ConfirmModal } from '../../ui/ConfirmModal';
import { FormModal } from '../../ui/FormModal';
import { JobProgress } from '../../ui/JobProgress';
import { Link } from '../../ui/Link';
import { Loading } from '../../ui/Loading';
import { OrganizationGroupSelect } from '../../ui/OrganizationGroupSelect';
import { PageHeader } from '../../ui/PageHeader';
import { EmptyState, ErrorState } from '../../ui/states';
import { toastDone } from '../../ui/toasts';
import { branches, destinations, flat } from './tree';

type Dialog = { kind: 'create' | 'rename' | 'move' | 'delete'; group: OrganizationGroup };
const INDENT = 24;

export default function OrganizationGroupTree() {
  const query = useOrganizationGroupsQuery();
  const rows = flat(branches(useOrganizationGroups()));
  const mayManage = useRights()('manage_organization_groups');
  const { customer } = useScope();
  const [dialog, setDialog] = useState<Dialog>();
  const [job, setJob] = useState<string>();
  const close = () => setDialog(undefined);
  const open = (kind: Dialog['kind'], group: OrganizationGroup) => () => setDialog({ kind, group });
  const root = rows[0]?.group;
  const global = customer === GLOBAL || root?.id === GLOBAL;
  return (
    <Stack gap="sm">
      <PageHeader title="Organization groups" description="The tree devices, users, smart groups and profiles live in. What is set for a group holds for all below it.">
        {root && <Allowed right="manage_organization_groups"><Button leftSection={<IconPlus size={16} aria-hidden />} onClick={open('create', root)}>{global ? 'New customer' : 'New organization group'}</Button></Allowed>}
      </PageHeader>
      {global && <Alert color="blue" title="This is Global">The groups directly below it are customers, each a tenant of its own. Devices, smart groups and profiles cannot live in Global itself.</Alert>}
      {job && <JobProgress id={job} />}
      {query.error && <ErrorState error={query.error} onRetry={() => void query.refetch()} />}
      {query.isPending && !query.error && <Loading />}
      {query.data && rows.length === 0 && <EmptyState title="No organization group is within your reach">An administrator with a wider reach can grant it to you.</EmptyState>}
      {rows.length > 0 && (
        <Table.ScrollContainer minWidth={420} scrollAreaProps={{ type: 'auto' }}>
          <Table aria-label="Organization groups" verticalSpacing={5} highlightOnHover>
            <Table.Thead><Table.Tr><Table.Th>Name</Table.Th><Table.Th>Kind</Table.Th><Table.Th>Devices</Table.Th><Table.Th>Users</Table.Th>{mayManage && <Table.Th ta="right">Actions</Table.Th>}</Table.Tr></Table.Thead>
            <Table.Tbody>
              {rows.map(({ group, depth }) => (
                <Table.Tr key={group.id}>
                  <Table.Td>
                    <Group gap={6} wrap="nowrap" pl={depth * INDENT}>
                      {depth > 0 && <IconCornerDownRight size={14} aria-hidden />}
                      <Text size="sm" fw={depth === 0 ? 600 : undefined}>{group.name}</Text>
                    </Group>
                  </Table.Td>
                  <Table.Td>{words(group.kind)}</Table.Td>
                  <Table.Td><Link to="/devices" search={{ og: group.id }} aria-label={`Show devices at or below ${group.name}`}>Show devices</Link></Table.Td>
                  <Table.Td><Link to="/users" search={{ og: group.id }} aria-label={`Show users at or below ${group.name}`}>Show users</Link></Table.Td>
                  {mayManage && <Table.Td ta="right"><Actions group={group} onChoose={open} /></Table.Td>}
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
      {dialog?.kind === 'create' && <CreateGroup parent={dialog.group} onClose={close} />}
      {dialog?.kind === 'rename' && <RenameGroup group={dialog.group} onClose={close} />}
      {dialog?.kind === 'move' && <MoveGroup group={dialog.group} onClose={close} onJob={setJob} />}
      {dialog?.kind === 'delete' && <DeleteGroup group={dialog.group} onClose={close} />}
    </Stack>
  );
}

function Actions({ group, onChoose }: { group: OrganizationGroup; onChoose: (kind: Dialog['kind'], group: OrganizationGroup) => () => void }) {
  return (
    <Menu position="bottom-end">
      <Menu.Target><Button size="compact-xs" variant="default" aria-label={`Change ${group.name}`}><IconDots size={16} aria-hidden /></Button></Menu.Target>
      <Menu.Dropdown>
        <Menu.Item onClick={onChoose('create', group)}>{group.kind === 'global' ? 'New customer' : 'New group below'}</Menu.Item>
        {group.kind !== 'global' && <Menu.Item onClick={onChoose('rename', group)}>Rename</Menu.Item>}
        {group.kind === 'container' && <Menu.Item onClick={onChoose('move', group)}>Move</Menu.Item>}
        {group.kind !== 'global' && <Menu.Item onClick={onChoose('delete', group)}>Delete</Menu.Item>}
      </Menu.Dropdown>
    </Menu>
  );
}

function useRefresh() {
  const queries = useQueryClient();
  return () => queries.invalidateQueries({ queryKey: listOrganizationGroupsQueryKey() });
}

const named = { name: (name: string) => (name.trim() ? null : 'Enter a name') };

function CreateGroup({ parent, onClose }: { parent: OrganizationGroup; onClose: () => void }) {
  const refresh = useRefresh();
  const customer = parent.kind === 'global';
  const form = useForm({ initialValues: { name: '', parent_id: parent.id }, validate: named });
  const save = async ({ name, parent_id }: { name: string; parent_id: string }, key: string) => {
    await createOrganizationGroup({ body: { name: name.trim(), parent_id }, headers: { 'Idempotency-Key': key }, throwOnError: true });
    toastDone(`${name.trim()} created`);
    await refresh();
  };
  return (
    <FormModal title={customer ? 'New customer' : 'New organization group'} form={form} submitLabel="Create" onSubmit={save} onClose={onClose}>
      <TextInput label="Name" withAsterisk maxLength={100} data-autofocus {...form.getInputProps('name')} />
      {customer ? (
        <Text size="sm">It becomes a customer: a tenant of its own, with its own devices, users, rules and journal.</Text>
      ) : (
        <OrganizationGroupSelect {...form.getInputProps('parent_id')} label="Below" onChange={(value) => form.setFieldValue('parent_id', value ?? '')} />
      )}
    </FormModal>
  );
}

function RenameGroup({ group, onClose }: { group: OrganizationGroup; onClose: () => void }) {
  const refresh = useRefresh();
  const form = useForm({ initialValues: { name: group.name }, validate: named });
  const save = async ({ name }: { name: string }) => {
    const { data: renamed } = await editOrganizationGroup({ path: { id: group.id }, body: { name: name.trim(), version: group.version }, throwOnError: true });
    toastDone(`${group.name} is now ${renamed.name}`, async () => {
      await editOrganizationGroup({ path: { id: group.id }, body: { name: group.name, version: renamed.version }, throwOnError: true });
      await refresh();
    });
    await refresh();
  };
  return (
    <FormModal title={`Rename ${group.name}`} form={form} submitLabel="Rename" onSubmit={save} onClose={onClose}>
      <TextInput label="Name" withAsterisk maxLength={100} data-autofocus {...form.getInputProps('name')} />
    </FormModal>
  );
}

function MoveGroup({ group, onClose, onJob }: { group: OrganizationGroup; onClose: () => void; onJob: (job: string) => void }) {
  const refresh = useRefresh();
  const groups = useOrganizationGroups();
  const form = useForm({
    initialValues: { parent_id: group.parent_id ?? '' },
    validate: { parent_id: (id) => (id && id !== group.parent_id ? null : 'Choose another place') },
  });
  const move = async (parent_id: string | null, version: number) => {
    const { data: moved } = await editOrganizationGroup({ path: { id: group.id }, body: { parent_id, version }, throwOnError: true });
    if (moved.job_id) onJob(moved.job_id);
    await refresh();
    return moved;
  };
  const save = async ({ parent_id }: { parent_id: string }) => {
    const moved = await move(parent_id, group.version);
    toastDone(`${group.name} moved`, () => move(group.parent_id, moved.version));
  };
  const places = new Set(destinations(groups, group.id).map(({ id }) => id));
  return (
    <FormModal title={`Move ${group.name}`} form={form} submitLabel="Move" onSubmit={save} onClose={onClose}>
      <OrganizationGroupSelect
        {...form.getInputProps('parent_id')}
        label="Below"
        filter={({ options, search }) => options.filter((option) => 'value' in option && places.has(String(option.value)) && option.label.toLowerCase().includes(search.trim().toLowerCase()))}
        onChange={(value) => form.setFieldValue('parent_id', value ?? '')}
      />
      <Text size="sm">Everything in it and below it moves along. All devices of the tenant are then evaluated anew, because smart groups and profiles may hold for the new place and not for the old one.</Text>
    </FormModal>
  );
}

function DeleteGroup({ group, onClose }: { group: OrganizationGroup; onClose: () => void }) {
  const refresh = useRefresh();
  const remove = async () => {
    await deleteOrganizationGroup({ path: { id: group.id }, throwOnError: true });
    toastDone(`${group.name} deleted`);
    await refresh();
  };
  return (
    <ConfirmModal title={`Delete ${group.name}`} confirmLabel="Delete organization group" typed={group.name} onConfirm={remove} onClose={onClose}>
      <Text size="sm">It is deleted for good. That is refused as long as it holds anything (groups, devices, users, smart groups, profiles) or a rule names it.</Text>
    </ConfirmModal>
  );
}
