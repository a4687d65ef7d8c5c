// Administrators: who signs in to the console, what they may do and where.
import { ActionIcon, Button, Group, Menu, Stack, Text } from '@mantine/core';
import { IconBan, IconCheck, IconClock, IconDots, IconLock, IconPlus } from '@tabler/icons-react';
import { keepPreviousData, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { type Admin, type AdminLink, type AdminState, deleteAdmin, editAdmin, type Entry, unlockAdmin } from '../../api';
import { listAdminsOptions, listAdminsQueryKey } from '../../api/@tanstack/react-query.gen';
import { GLOBAL } from '../../app/scope';
import { Allowed, useRights, useSession } from '../../app/session';
import { useListSearch } from '../../lib/list';
import { words } from '../../lib/words';
import { Modal } from '../../ui/Modal';
import { Badge, type Look } from '../../ui/badges';
import { ConfirmModal } from '../../ui/ConfirmModal';
import { type Column, DataTable } from '../../ui/DataTable';
import { type Filter, FilterBar } from '../../ui/FilterBar';
import { Link } from '../../ui/Link';
import { LivePill } from '../../ui/LivePill';
import { OrganizationGroupName } from '../../ui/names';
import { PageHeader } from '../../ui/PageHeader';
import { EmptyState } from '../../ui/states';
import { Time } from '../../ui/Time';
import { toastDone, toastProblem } from '../../ui/toasts';
import { SessionList } from '../account/SessionList';
import { beyondText, pickRole, RoleName, useBeyond, useRoles } from '../roles/roles';
import { AdminForm } from './AdminForm';
import { AdminTabs } from './AdminTabs';
import { LinkForm, ShownLink } from './NewLink';
import { ADMIN_STATES, adminSearch } from './search';

type Sort = (typeof adminSearch.sorts)[number];
type Dialog = { kind: 'create' } | { kind: 'edit' | 'link' | 'sessions' | 'delete'; admin: Admin };

const STATES: Record<AdminState, Look> = { active: ['good', IconCheck], invited: ['info', IconClock], disabled: ['neutral', IconBan] };
const FILTERS: Filter<'q' | 'state' | 'role'>[] = [
  { key: 'q', label: 'Search', atHand: true, kind: 'search', placeholder: 'Name, user name or mail address' },
  { key: 'state', label: 'State', atHand: true, kind: 'many', values: ADMIN_STATES },
  { key: 'role', label: 'Role', atHand: true, ...pickRole },
];
const concernsAdmins = (entry: Entry) => entry.object?.kind === 'admin';

export default function AdminList() {
  const list = useListSearch(adminSearch);
  const query = useQuery({ ...listAdminsOptions({ query: list.query }), placeholderData: keepPreviousData });
  const mayManage = useRights()('manage_roles');
  const [dialog, setDialog] = useState<Dialog>();
  const [made, setMade] = useState<{ name: string; link: AdminLink }>();
  const close = () => setDialog(undefined);
  const columns: Column<Admin, Sort>[] = [
    { key: 'name', title: 'Name', sort: 'name', render: (admin) => admin.name },
    { key: 'user_name', title: 'User name', sort: 'user_name', render: (admin) => <>{admin.user_name}{admin.email && <Text size="xs" c="dimmed">{admin.email}</Text>}</> },
    { key: 'role', title: 'Role', render: (admin) => <Link to="/roles" search={{ role: admin.role }}><RoleName id={admin.role} /></Link> },
    { key: 'reach', title: 'Reach', render: (admin) => (admin.organization_group_id === GLOBAL ? 'Global' : <OrganizationGroupName id={admin.organization_group_id} />) },
    { key: 'state', title: 'State', render: (admin) => <State admin={admin} /> },
    { key: 'second_factor', title: 'Second factor', render: (admin) => (admin.second_factor ? 'Yes' : 'No') },
    { key: 'signed_in', title: 'Last signed in', sort: 'last_signed_in_at', descendingFirst: true, render: (admin) => (admin.last_signed_in_at ? <Time at={admin.last_signed_in_at} /> : 'Never') },
    { key: 'created', title: 'Added', sort: 'created_at', descendingFirst: true, render: (admin) => <><Time at={admin.created_at} /> by {admin.created_by}</> },
  ];
  if (mayManage) columns.push({ key: 'actions', title: '', render: (admin) => <Actions admin={admin} onChoose={(kind) => setDialog({ kind, admin })} /> });
  const create = <Allowed right="manage_roles"><Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setDialog({ kind: 'create' })}>New administrator</Button></Allowed>;
  return (
    <Stack gap="sm">
      <PageHeader title="Administrators" description="Who signs in to the console, what they may do, and for which organization groups.">
        <LivePill query={query} concerns={concernsAdmins} />
        {create}
      </PageHeader>
      <AdminTabs />
      <FilterBar list={list} filters={FILTERS} />
      <DataTable label="Administrators" list={list} query={query} columns={columns} idOf={(admin) => admin.id} nameOf={(admin) => admin.name} empty={<EmptyState title="No administrators yet" action={create}>Add the people who are to use the console.</EmptyState>} />
      {dialog?.kind === 'create' && <AdminForm onCreated={(name, link) => setMade({ name, link })} onClose={close} />}
      {dialog?.kind === 'edit' && <AdminForm admin={dialog.admin} onCreated={(name, link) => setMade({ name, link })} onClose={close} />}
      {dialog?.kind === 'link' && <LinkForm admin={dialog.admin} onMade={(link) => setMade({ name: dialog.admin.name, link })} onClose={close} />}
      {dialog?.kind === 'sessions' && <Modal opened onClose={close} size="lg" title={`Sessions of ${dialog.admin.name}`}><SessionList adminId={dialog.admin.id} /></Modal>}
      {dialog?.kind === 'delete' && <DeleteAdmin admin={dialog.admin} onClose={close} />}
      {made && <ShownLink {...made} onClose={() => setMade(undefined)} />}
    </Stack>
  );
}

function State({ admin }: { admin: Admin }) {
  return (
    <Group gap={4}>
      <Badge look={STATES[admin.state]} text={words(admin.state)} />
      {admin.locked_until && <><Badge look={['warn', IconLock]} text="Locked" /><Text span size="xs" c="dimmed">ends <Time at={admin.locked_until} /></Text></>}
    </Group>
  );
}

function Actions({ admin, onChoose }: { admin: Admin; onChoose: (kind: 'edit' | 'link' | 'sessions' | 'delete') => void }) {
  const queries = useQueryClient();
  const roles = useRoles();
  const beyondOf = useBeyond();
  const { server, admin: own } = useSession();
  const refresh = () => queries.invalidateQueries({ queryKey: listAdminsQueryKey() });
  const attempt = async (act: () => Promise<unknown>) => {
    try {
      await act();
    } catch (error) {
      toastProblem(error);
    }
    await refresh();
  };
  const setDisabled = async (disabled: boolean, version: number) =>
    (await editAdmin({ path: { id: admin.id }, body: { disabled, version }, throwOnError: true })).data.version;
  const toggle = () =>
    attempt(async () => {
      const disable = admin.state !== 'disabled';
      const now = await setDisabled(disable, admin.version);
      toastDone(`${admin.name} ${disable ? 'can no longer sign in' : 'can sign in again'}`, () => setDisabled(!disable, now).then(refresh));
    });
  const unlock = () =>
    attempt(async () => {
      await unlockAdmin({ path: { id: admin.id }, throwOnError: true });
      toastDone(`${admin.name} is unlocked`);
    });
  const missing = beyondOf(roles?.find((role) => role.id === admin.role)?.rights ?? []);
  const reason = missing.length > 0 ? beyondText(missing) : admin.organization_group_id === GLOBAL && !server ? 'Only for administrators with Global reach.' : undefined;
  return (
    <Group justify="flex-end">
      <Menu position="bottom-end" width={240}>
        <Menu.Target><ActionIcon variant="subtle" color="gray" aria-label={`Actions for ${admin.name}`}><IconDots size={18} /></ActionIcon></Menu.Target>
        <Menu.Dropdown>
          {reason && <Menu.Label>{reason}</Menu.Label>}
          <Menu.Item disabled={Boolean(reason)} onClick={() => onChoose('edit')}>Edit</Menu.Item>
          {admin.locked_until && <Menu.Item disabled={Boolean(reason)} onClick={() => void unlock()}>Unlock</Menu.Item>}
          {admin.state !== 'disabled' && <Menu.Item disabled={Boolean(reason)} onClick={() => onChoose('link')}>{admin.state === 'invited' ? 'New invitation' : 'Link to a new password'}</Menu.Item>}
          <Menu.Item disabled={Boolean(reason)} onClick={() => onChoose('sessions')}>Sessions</Menu.Item>
          <Menu.Divider />
          <Menu.Item disabled={Boolean(reason) || admin.id === own?.id} onClick={() => void toggle()}>{admin.state === 'disabled' ? 'Enable' : 'Disable'}</Menu.Item>
          <Menu.Item disabled={Boolean(reason) || admin.id === own?.id} c="var(--mantine-color-error)" onClick={() => onChoose('delete')}>Delete</Menu.Item>
        </Menu.Dropdown>
      </Menu>
    </Group>
  );
}

function DeleteAdmin({ admin, onClose }: { admin: Admin; onClose: () => void }) {
  const queries = useQueryClient();
  const remove = async () => {
    await deleteAdmin({ path: { id: admin.id }, throwOnError: true });
    toastDone(`${admin.name} deleted`);
    await queries.invalidateQueries({ queryKey: listAdminsQueryKey() });
  };
  return (
    <ConfirmModal title={`Delete ${admin.name}`} confirmLabel="Delete administrator" typed={admin.user_name} onConfirm={remove} onClose={onClose}>
      <Text size="sm">They cannot sign in any more, and all their sessions end at once. What they did stays in the journal under their name. To keep them from signing in for a while, disable them instead.</Text>
    </ConfirmModal>
  );
}
