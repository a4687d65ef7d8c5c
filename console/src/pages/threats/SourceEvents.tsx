// Messages of sources that wait for their device, or could not be understood.
import { Button, Code, Group, SegmentedControl, Stack, Text } from '@mantine/core';
import { keepPreviousData, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { dropSourceEvent, type Entry, type KeptSourceEvent, retrySourceEvent } from '../../api';
import { listSourceEventsOptions, listSourceEventsQueryKey } from '../../api/@tanstack/react-query.gen';
import { useRights } from '../../app/session';
import { newKey } from '../../lib/api';
import { useListSearch } from '../../lib/list';
import { counted, words } from '../../lib/words';
import { ConfirmModal } from '../../ui/ConfirmModal';
import { type Column, DataTable } from '../../ui/DataTable';
import { Link } from '../../ui/Link';
import { LivePill } from '../../ui/LivePill';
import { Modal } from '../../ui/Modal';
import { PageHeader } from '../../ui/PageHeader';
import { EmptyState } from '../../ui/states';
import { Time } from '../../ui/Time';
import { toastDone, toastProblem } from '../../ui/toasts';
import { sourceEventSearch } from './search';

const concernsKept = (entry: Entry) => entry.object?.kind === 'source_event' || entry.changes.some(({ type }) => type === 'source_event_kept');
const content = ({ event }: KeptSourceEvent) => (event.type === 'unmapped' ? event.raw : JSON.stringify(event, null, 2));

export default function SourceEvents() {
  const list = useListSearch(sourceEventSearch);
  const queries = useQueryClient();
  const query = useQuery({ ...listSourceEventsOptions({ query: list.query }), placeholderData: keepPreviousData });
  const mayManage = useRights()('manage_integrations');
  const [dialog, setDialog] = useState<{ kind: 'read' | 'drop'; kept: KeptSourceEvent }>();
  const [busy, setBusy] = useState<string>();
  const state = list.filters.state ?? 'waiting';
  const refresh = () => queries.invalidateQueries({ queryKey: listSourceEventsQueryKey() });
  const retry = async ({ id, event_id }: KeptSourceEvent) => {
    setBusy(id);
    try {
      await retrySourceEvent({ path: { id }, headers: { 'Idempotency-Key': newKey() }, throwOnError: true });
      toastDone(`Message ${event_id} taken in`);
      await refresh();
    } catch (error) {
      toastProblem(error);
    } finally {
      setBusy(undefined);
    }
  };
  const columns: Column<KeptSourceEvent, never>[] = [
    { key: 'received', title: 'Received', render: (kept) => <Time at={kept.received_at} /> },
    { key: 'source', title: 'Source', render: (kept) => kept.source },
    { key: 'type', title: 'Kind', render: (kept) => words(kept.event.type) },
    { key: 'reason', title: 'Why it is kept', render: (kept) => <span style={{ whiteSpace: 'normal' }}>{kept.reason}</span> },
    ...(state === 'waiting' ? [{ key: 'device', title: 'Device at the source', render: (kept: KeptSourceEvent) => kept.external_id ?? '–' }] : []),
    {
      key: 'actions',
      title: '',
      render: (kept) => (
        <Group gap={4} justify="flex-end" wrap="nowrap">
          <Button size="compact-xs" variant="default" aria-label={`Show ${kept.event_id}`} onClick={() => setDialog({ kind: 'read', kept })}>Show</Button>
          {mayManage && <Button size="compact-xs" variant="default" loading={busy === kept.id} aria-label={`Retry ${kept.event_id}`} onClick={() => void retry(kept)}>Retry</Button>}
          {mayManage && state === 'exception' && <Button size="compact-xs" variant="default" aria-label={`Delete ${kept.event_id}`} onClick={() => setDialog({ kind: 'drop', kept })}>Delete</Button>}
        </Group>
      ),
    },
  ];
  return (
    <Stack gap="sm">
      <Text size="sm"><Link to="/threats">Threats</Link></Text>
      <PageHeader title="Messages kept aside" description={query.data && counted(query.data.count, 'message')}><LivePill query={query} concerns={concernsKept} /></PageHeader>
      <SegmentedControl
        aria-label="Why they are kept aside"
        style={{ alignSelf: 'flex-start' }}
        data={[{ value: 'waiting', label: 'Waiting for their device' }, { value: 'exception', label: 'Not understood' }]}
        value={state}
        onChange={(to) => list.setFilters({ state: to === 'exception' ? 'exception' : undefined })}
      />
      <DataTable
        label="Messages kept aside"
        list={{ ...list, filtered: false }}
        query={query}
        columns={columns}
        idOf={(kept) => kept.id}
        nameOf={(kept) => kept.event_id}
        empty={
          state === 'waiting' ? (
            <EmptyState title="No message waits">A message about a device that is not known yet waits here and is taken in once the device enrolls, or gets the external id its source uses.</EmptyState>
          ) : (
            <EmptyState title="All messages were understood">A message that cannot be understood is kept here instead of being lost, so that it can be tried again after an update.</EmptyState>
          )
        }
      />
      {dialog?.kind === 'read' && <Message kept={dialog.kept} onClose={() => setDialog(undefined)} />}
      {dialog?.kind === 'drop' && <DropMessage kept={dialog.kept} onClose={() => setDialog(undefined)} onDropped={refresh} />}
    </Stack>
  );
}

function Message({ kept, onClose }: { kept: KeptSourceEvent; onClose: () => void }) {
  return (
    <Modal opened onClose={onClose} title={`Message ${kept.event_id}`} size="lg">
      <Stack gap="sm">
        <Text size="sm">From {kept.source}, received <Time at={kept.received_at} />. {kept.reason}</Text>
        <Code block tabIndex={0} aria-label="Content">{content(kept)}</Code>
      </Stack>
    </Modal>
  );
}

function DropMessage({ kept, onClose, onDropped }: { kept: KeptSourceEvent; onClose: () => void; onDropped: () => Promise<unknown> }) {
  const drop = async () => {
    await dropSourceEvent({ path: { id: kept.id }, throwOnError: true });
    toastDone('Message deleted');
    await onDropped();
  };
  return (
    <ConfirmModal title="Delete the message" confirmLabel="Delete message" onConfirm={drop} onClose={onClose}>
      <Text size="sm">What {kept.source} said in message {kept.event_id} is deleted for good, without ever having had an effect.</Text>
    </ConfirmModal>
  );
}
