// The sets of indicators devices are compared with: where each comes from, how it stands, and adding another.
import { Button, Group, Stack, Text } from '@mantine/core';
import { IconPencil, IconPlus, IconRefresh, IconTrash, IconUpload } from '@tabler/icons-react';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useState } from 'react';
import { deleteIndicatorSet, type Entry, type IndicatorSet, refreshIndicatorSet } from '../../api';
import { listIndicatorSetsOptions } from '../../api/@tanstack/react-query.gen';
import { Allowed, useRights } from '../../app/session';
import { newKey } from '../../lib/api';
import { useListSearch } from '../../lib/list';
import { count, counted, words } from '../../lib/words';
import { ConfirmModal } from '../../ui/ConfirmModal';
import { type Column, DataTable } from '../../ui/DataTable';
import { type Filter, FilterBar } from '../../ui/FilterBar';
import { Here, usePatch } from '../../ui/Here';
import { JobNotice } from '../../ui/JobNotice';
import { Link } from '../../ui/Link';
import { LivePill } from '../../ui/LivePill';
import { ClassificationName } from '../../ui/names';
import { PageHeader } from '../../ui/PageHeader';
import { EmptyState } from '../../ui/states';
import { Time } from '../../ui/Time';
import { toastDone, toastProblem } from '../../ui/toasts';
import { IndicatorTabs } from './IndicatorTabs';
import { ORIGINS, setSearch } from './search';
import { SetDetails } from './SetDetails';
import { AddSet, EditSet, UploadSet, useRefreshSets } from './SetForms';
import { awaited } from './sets';
import { SetState } from './SetState';

type Sort = (typeof setSearch.sorts)[number];
type Dialog = { kind: 'add' } | { kind: 'edit' | 'upload' | 'delete'; set: IndicatorSet };

const FILTERS: Filter<keyof ReturnType<typeof setSearch.readFilters>>[] = [
  { key: 'q', label: 'Search', atHand: true, kind: 'search', placeholder: 'Name or address' },
  { key: 'origin', label: 'Origin', atHand: true, kind: 'one', values: ORIGINS },
  { key: 'failed', label: 'Last look', atHand: true, kind: 'flags', words: ['Failed', 'Went well'] },
];
// What comes of a look at a URL is not in the journal.
const SOON = 2_000;
const LATER = 30_000;
const concernsSets = (entry: Entry) => entry.object?.kind === 'indicator_set';
const route = getRouteApi('/shell/indicators');

export default function SetList() {
  const list = useListSearch(setSearch);
  const { set: shown, job } = route.useSearch();
  const patch = usePatch();
  const query = useQuery({
    ...listIndicatorSetsOptions({ query: list.query }),
    placeholderData: keepPreviousData,
    refetchInterval: ({ state }) => (state.data?.items.some(awaited) ? SOON : LATER),
  });
  const mayManage = useRights()('manage_integrations');
  const [dialog, setDialog] = useState<Dialog>();
  const close = () => setDialog(undefined);
  const columns: Column<IndicatorSet, Sort>[] = [
    { key: 'name', title: 'Name', sort: 'name', render: (it) => <Here patch={{ set: it.id }}>{it.name}</Here> },
    { key: 'origin', title: 'Origin', render: (it) => words(it.origin) },
    {
      key: 'indicators', title: 'Indicators', sort: 'indicators', descendingFirst: true,
      render: (it) => <Link to="/indicators/search" search={{ set_id: it.id }} aria-label={`${counted(it.indicators, 'indicator')} of ${it.name}`}>{count(it.indicators)}</Link>,
    },
    { key: 'state', title: 'State', render: (it) => <SetState set={it} /> },
    { key: 'classification', title: 'Taken for', render: (it) => (it.classification ? <ClassificationName id={it.classification} /> : 'What it says of each') },
    { key: 'checked', title: 'Last fetched', render: (it) => <Time at={it.origin === 'upload' ? it.loaded_at : it.checked_at} /> },
    { key: 'loaded', title: 'Content changed', sort: 'loaded_at', descendingFirst: true, render: (it) => <Time at={it.loaded_at} /> },
  ];
  if (mayManage) columns.push({ key: 'actions', title: '', render: (it) => <Actions set={it} onDialog={setDialog} /> });
  const add = <Allowed right="manage_integrations"><Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setDialog({ kind: 'add' })}>Add indicators</Button></Allowed>;
  return (
    <Stack gap="sm">
      <PageHeader title="Indicators" description="Signs of spyware, stalkerware and other malicious software. What is on a device is compared with them, and what fits is a threat on it.">
        <LivePill query={query} concerns={concernsSets} />
        {add}
      </PageHeader>
      <IndicatorTabs />
      {job && <JobNotice key={job} id={job} onClose={() => patch({ job: undefined })} />}
      <FilterBar list={list} filters={FILTERS} />
      <DataTable
        label="Indicator sets"
        list={list}
        query={query}
        columns={columns}
        idOf={(it) => it.id}
        nameOf={(it) => it.name}
        empty={<EmptyState title="No indicators yet" action={add}>Upload a STIX 2.1 bundle or a list of stalkerware, or name a URL such as the one where a research group publishes what it found.</EmptyState>}
      />
      {shown && <SetDetails key={shown} id={shown} onClose={() => patch({ set: undefined })} />}
      {dialog?.kind === 'add' && <AddSet onClose={close} />}
      {dialog?.kind === 'edit' && <EditSet set={dialog.set} onJob={(id) => patch({ job: id })} onClose={close} />}
      {dialog?.kind === 'upload' && <UploadSet set={dialog.set} onClose={close} />}
      {dialog?.kind === 'delete' && <Delete set={dialog.set} onClose={close} />}
    </Stack>
  );
}

function Actions({ set, onDialog }: { set: IndicatorSet; onDialog: (dialog: Dialog) => void }) {
  const refresh = useRefreshSets();
  const [busy, setBusy] = useState(false);
  const fetchNow = async () => {
    setBusy(true);
    try {
      await refreshIndicatorSet({ path: { id: set.id }, headers: { 'Idempotency-Key': newKey() }, throwOnError: true });
      toastDone(`${set.name} is being fetched`);
      await refresh(set.id);
    } catch (error) {
      toastProblem(error);
    } finally {
      setBusy(false);
    }
  };
  const look = { size: 'compact-xs', variant: 'default' } as const;
  return (
    <Group gap={4} justify="flex-end" wrap="nowrap">
      {set.origin === 'upload' && <Button {...look} leftSection={<IconUpload size={14} aria-hidden />} aria-label={`Upload ${set.name}`} onClick={() => onDialog({ kind: 'upload', set })}>Upload</Button>}
      {set.origin === 'url' && <Button {...look} loading={busy} leftSection={<IconRefresh size={14} aria-hidden />} aria-label={`Refresh ${set.name}`} onClick={() => void fetchNow()}>Refresh</Button>}
      <Button {...look} leftSection={<IconPencil size={14} aria-hidden />} aria-label={`Edit ${set.name}`} onClick={() => onDialog({ kind: 'edit', set })}>Edit</Button>
      <Button {...look} leftSection={<IconTrash size={14} aria-hidden />} aria-label={`Delete ${set.name}`} onClick={() => onDialog({ kind: 'delete', set })}>Delete</Button>
    </Group>
  );
}

function Delete({ set, onClose }: { set: IndicatorSet; onClose: () => void }) {
  const refresh = useRefreshSets();
  const remove = async () => {
    await deleteIndicatorSet({ path: { id: set.id }, throwOnError: true });
    toastDone(`${set.name} deleted`);
    await refresh();
  };
  return (
    <ConfirmModal title={`Delete ${set.name}`} confirmLabel="Delete set" typed={set.name} onConfirm={remove} onClose={onClose}>
      <Text size="sm">
        {counted(set.indicators, 'indicator')} {set.indicators === 1 ? 'is' : 'are'} gone for good. Open threats that only this set stands behind are resolved in the background, and what they brought about on devices is
        lifted.
      </Text>
      {set.origin === 'folder' && <Text size="sm">It is a file in the server’s folder and goes with that file. It can only be deleted here once the server has no such folder any more.</Text>}
    </ConfirmModal>
  );
}
