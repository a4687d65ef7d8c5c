// Threat feeds that are connected, and how each of them is doing.
import { Button, Group, Stack, Switch, Text } from '@mantine/core';
import { IconPencil, IconPlus, IconTrash } from '@tabler/icons-react';
import { keepPreviousData, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { deleteIntegration, editIntegration, type Integration } from '../../api';
import { listIntegrationsOptions, listIntegrationsQueryKey } from '../../api/@tanstack/react-query.gen';
import { Allowed, useRights } from '../../app/session';
import { useListSearch } from '../../lib/list';
import { count } from '../../lib/words';
import { ConfirmModal } from '../../ui/ConfirmModal';
import { type Column, DataTable } from '../../ui/DataTable';
import { type Filter, FilterBar } from '../../ui/FilterBar';
import { PageHeader } from '../../ui/PageHeader';
import { EmptyState } from '../../ui/states';
import { toastDone, toastProblem } from '../../ui/toasts';
import { FeedState } from './FeedState';
import { IntegrationForm } from './IntegrationForm';
import { integrationSearch } from './search';

type Dialog = { kind: 'create' } | { kind: 'edit' | 'delete'; integration: Integration };

const KINDS: Record<Integration['kind'], string> = { lookout: 'Lookout' };
const FILTERS: Filter<'q' | 'enabled'>[] = [
  { key: 'q', label: 'Search', atHand: true, kind: 'search', placeholder: 'Name or address' },
  { key: 'enabled', label: 'Read', atHand: true, kind: 'flags', words: ['Yes', 'No'] },
];
// How a feed is doing is not in the journal. Only the states change, never the rows' order.
const POLL = 5_000;

export default function IntegrationList() {
  const list = useListSearch(integrationSearch);
  const query = useQuery({ ...listIntegrationsOptions({ query: list.query }), placeholderData: keepPreviousData, refetchInterval: POLL });
  const mayManage = useRights()('manage_integrations');
  const [dialog, setDialog] = useState<Dialog>();
  const close = () => setDialog(undefined);
  const columns: Column<Integration, 'name'>[] = [
    { key: 'name', title: 'Name', sort: 'name', render: (it) => it.name },
    { key: 'kind', title: 'Kind', render: (it) => KINDS[it.kind] },
    { key: 'address', title: 'Address', render: (it) => it.base_url },
    { key: 'enabled', title: 'Read', render: (it) => (mayManage ? <Enabled integration={it} /> : it.enabled ? 'Yes' : 'No') },
    { key: 'state', title: 'State', render: (it) => <FeedState state={it.state} /> },
    { key: 'position', title: 'Read up to', render: (it) => it.position ?? 'No event yet' },
    { key: 'waiting', title: 'Waiting for their device', render: (it) => count(it.waiting) },
    { key: 'exceptions', title: 'Not understood', render: (it) => count(it.exceptions) },
  ];
  if (mayManage) {
    columns.push({
      key: 'actions',
      title: '',
      render: (integration) => (
        <Group gap={4} justify="flex-end" wrap="nowrap">
          <Button size="compact-xs" variant="default" leftSection={<IconPencil size={14} aria-hidden />} aria-label={`Edit ${integration.name}`} onClick={() => setDialog({ kind: 'edit', integration })}>Edit</Button>
          <Button size="compact-xs" variant="default" leftSection={<IconTrash size={14} aria-hidden />} aria-label={`Delete ${integration.name}`} onClick={() => setDialog({ kind: 'delete', integration })}>Delete</Button>
        </Group>
      ),
    });
  }
  const create = <Allowed right="manage_integrations"><Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setDialog({ kind: 'create' })}>Connect a feed</Button></Allowed>;
  return (
    <Stack gap="sm">
      <PageHeader title="Integrations" description="Threat feeds this server reads. What they find goes round the loop at once.">{create}</PageHeader>
      <FilterBar list={list} filters={FILTERS} />
      <DataTable
        label="Integrations"
        list={list}
        query={query}
        columns={columns}
        idOf={(it) => it.id}
        nameOf={(it) => it.name}
        empty={<EmptyState title="No feed connected" action={create}>Connect a mobile threat defence product to read its detections, or let it send them to the API with an API token.</EmptyState>}
      />
      {dialog?.kind === 'create' && <IntegrationForm onClose={close} />}
      {dialog?.kind === 'edit' && <IntegrationForm integration={dialog.integration} onClose={close} />}
      {dialog?.kind === 'delete' && <Delete integration={dialog.integration} onClose={close} />}
    </Stack>
  );
}

function Enabled({ integration: { id, name, enabled, version } }: { integration: Integration }) {
  const queries = useQueryClient();
  const [busy, setBusy] = useState(false);
  const refresh = () => queries.invalidateQueries({ queryKey: listIntegrationsQueryKey() });
  const set = async (to: boolean, seen: number) => {
    const { data } = await editIntegration({ path: { id }, body: { enabled: to, version: seen }, throwOnError: true });
    await refresh();
    return data.version;
  };
  const toggle = async () => {
    setBusy(true);
    try {
      const now = await set(!enabled, version);
      toastDone(enabled ? `${name} is not read any more` : `${name} is read from where it was left`, () => set(enabled, now));
    } catch (error) {
      toastProblem(error);
    } finally {
      setBusy(false);
    }
  };
  return <Switch size="sm" aria-label={`Read ${name}`} checked={enabled} disabled={busy} onChange={() => void toggle()} />;
}

function Delete({ integration, onClose }: { integration: Integration; onClose: () => void }) {
  const queries = useQueryClient();
  const remove = async () => {
    await deleteIntegration({ path: { id: integration.id }, throwOnError: true });
    toastDone(`${integration.name} disconnected`);
    await queries.invalidateQueries({ queryKey: listIntegrationsQueryKey() });
  };
  return (
    <ConfirmModal title={`Delete ${integration.name}`} confirmLabel="Disconnect" typed={integration.name} onConfirm={remove} onClose={onClose}>
      <Text size="sm">
        The feed is not read any more, and its key and how far it was read are forgotten for good. The threats it brought stay; those that are open stay
        open, because nobody will say that they are gone. To pause it, switch it off instead.
      </Text>
    </ConfirmModal>
  );
}
