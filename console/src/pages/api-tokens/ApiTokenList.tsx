// The credentials of programs: made, shown once, revoked.
import { Button, Code, Group, Select, Stack, Text, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { IconPlus, IconTrash } from '@tabler/icons-react';
import { keepPreviousData, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { type ApiToken, type CreatedApiToken, createApiToken, type Entry, revokeApiToken } from '../../api';
import { listApiTokensOptions, listApiTokensQueryKey } from '../../api/@tanstack/react-query.gen';
import { useListSearch } from '../../lib/list';
import { ConfirmModal } from '../../ui/ConfirmModal';
import { CopyField } from '../../ui/CopyField';
import { type Column, DataTable } from '../../ui/DataTable';
import { type Filter, FilterBar } from '../../ui/FilterBar';
import { FormModal } from '../../ui/FormModal';
import { Link } from '../../ui/Link';
import { LivePill } from '../../ui/LivePill';
import { Modal } from '../../ui/Modal';
import { OrganizationGroupName } from '../../ui/names';
import { OrganizationGroupSelect } from '../../ui/OrganizationGroupSelect';
import { PageHeader } from '../../ui/PageHeader';
import { ShownOnce } from '../../ui/ShownOnce';
import { EmptyState } from '../../ui/states';
import { Time } from '../../ui/Time';
import { toastDone } from '../../ui/toasts';
import { pickRole, RoleName, RoleSelect } from '../roles/roles';
import { EXPIRIES, expiresAt } from './expiry';
import { apiTokenSearch } from './search';

type Sort = (typeof apiTokenSearch.sorts)[number];
const FILTERS: Filter<'q' | 'role'>[] = [
  { key: 'q', label: 'Search', atHand: true, kind: 'search', placeholder: 'Name' },
  { key: 'role', label: 'Role', atHand: true, ...pickRole },
];
const concernsTokens = (entry: Entry) => entry.object?.kind === 'api_token';

export default function ApiTokenList() {
  const list = useListSearch(apiTokenSearch);
  const query = useQuery({ ...listApiTokensOptions({ query: list.query }), placeholderData: keepPreviousData });
  const [creating, setCreating] = useState(false);
  const [created, setCreated] = useState<CreatedApiToken>();
  const [revoking, setRevoking] = useState<ApiToken>();
  const columns: Column<ApiToken, Sort>[] = [
    { key: 'name', title: 'Name', sort: 'name', render: (token) => token.name },
    { key: 'role', title: 'Role', render: (token) => <Link to="/roles" search={{ role: token.role }}><RoleName id={token.role} /></Link> },
    { key: 'reach', title: 'Reach', render: (token) => <OrganizationGroupName id={token.organization_group_id} /> },
    { key: 'created', title: 'Created', sort: 'created_at', descendingFirst: true, render: (token) => <><Time at={token.created_at} /> by {token.created_by}</> },
    { key: 'used', title: 'Last used', sort: 'last_used_at', descendingFirst: true, render: (token) => (token.last_used_at ? <Time at={token.last_used_at} /> : 'Never') },
    { key: 'expires', title: 'Expires', sort: 'expires_at', render: (token) => <Expiry at={token.expires_at} /> },
    {
      key: 'actions',
      title: '',
      render: (token) => (
        <Group justify="flex-end">
          <Button size="compact-xs" variant="default" leftSection={<IconTrash size={14} aria-hidden />} aria-label={`Revoke ${token.name}`} onClick={() => setRevoking(token)}>Revoke</Button>
        </Group>
      ),
    },
  ];
  const create = <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setCreating(true)}>New API token</Button>;
  return (
    <Stack gap="sm">
      <PageHeader title="API tokens" description="Credentials of programs: sources of detections, scripts, other systems.">
        <LivePill query={query} concerns={concernsTokens} />
        {create}
      </PageHeader>
      <FilterBar list={list} filters={FILTERS} />
      <DataTable label="API tokens" list={list} query={query} columns={columns} idOf={(token) => token.id} nameOf={(token) => token.name} empty={<EmptyState title="No API tokens yet" action={create}>A program needs one to use the API.</EmptyState>} />
      {creating && <TokenForm onCreated={setCreated} onClose={() => setCreating(false)} />}
      {created && <NewToken token={created} onClose={() => setCreated(undefined)} />}
      {revoking && <Revoke token={revoking} onClose={() => setRevoking(undefined)} />}
    </Stack>
  );
}

function Expiry({ at }: { at: string | null }) {
  if (!at) return 'Never';
  return new Date(at) <= new Date() ? <span className="badge" data-tone="neutral">Expired <Time at={at} /></span> : <Time at={at} />;
}

function TokenForm({ onCreated, onClose }: { onCreated: (token: CreatedApiToken) => void; onClose: () => void }) {
  const queries = useQueryClient();
  const form = useForm({
    initialValues: { name: '', role: '', organization_group_id: '', expires_at: '90', date: '' },
    validate: {
      name: (name) => (name.trim() ? null : 'Enter what it is for'),
      role: (role) => (role ? null : 'Choose a role'),
      organization_group_id: (id) => (id ? null : 'Choose an organization group'),
      date: (date, { expires_at }) => (expiresAt(expires_at, date, new Date()) === undefined ? 'Choose a day to come' : null),
    },
  });
  const values = form.getValues();
  const save = async ({ date, expires_at, ...rest }: typeof values, key: string) => {
    const body = { ...rest, name: rest.name.trim(), expires_at: expiresAt(expires_at, date, new Date()) };
    const { data } = await createApiToken({ body, headers: { 'Idempotency-Key': key }, throwOnError: true });
    onCreated(data);
    await queries.invalidateQueries({ queryKey: listApiTokensQueryKey() });
  };
  return (
    <FormModal title="New API token" form={form} submitLabel="Create" onSubmit={save} onClose={onClose}>
      <TextInput label="Name" description="What it is for" withAsterisk maxLength={100} data-autofocus {...form.getInputProps('name')} />
      <RoleSelect description="What it may do: at most what you may do yourself" {...form.getInputProps('role')} />
      <OrganizationGroupSelect label="Reach" description="It may do so at and below this organization group" withAsterisk {...form.getInputProps('organization_group_id')} />
      <Select label="Good for" allowDeselect={false} data={EXPIRIES} {...form.getInputProps('expires_at')} />
      {values.expires_at === 'date' && <TextInput type="date" label="Last day" withAsterisk {...form.getInputProps('date')} />}
    </FormModal>
  );
}

function NewToken({ token, onClose }: { token: CreatedApiToken; onClose: () => void }) {
  return (
    <Modal opened onClose={onClose} title={`API token ${token.name}`} size="lg" closeOnClickOutside={false} closeOnEscape={false}>
      <Stack>
        <ShownOnce>
          Copy the token to where it is needed. It is kept here only as a hash and cannot be shown again.
        </ShownOnce>
        <CopyField label="Token" value={token.token} />
        <Text size="sm">Send it with every request:</Text>
        <Code block>{`curl -H 'Authorization: Bearer ${token.token}' ${location.origin}/api/v1/devices`}</Code>
        <Group justify="flex-end"><Button onClick={onClose}>Done</Button></Group>
      </Stack>
    </Modal>
  );
}

function Revoke({ token, onClose }: { token: ApiToken; onClose: () => void }) {
  const queries = useQueryClient();
  const revoke = async () => {
    await revokeApiToken({ path: { id: token.id }, throwOnError: true });
    toastDone(`API token ${token.name} revoked`);
    await queries.invalidateQueries({ queryKey: listApiTokensQueryKey() });
  };
  return (
    <ConfirmModal title={`Revoke ${token.name}`} confirmLabel="Revoke" onConfirm={revoke} onClose={onClose}>
      <Text size="sm">
        Whatever uses it is refused from its next request on, for good.{' '}
        {token.last_used_at ? <>It was last used <Time at={token.last_used_at} />.</> : 'It has never been used.'}
      </Text>
    </ConfirmModal>
  );
}
