// The journal: who changed what, newest first.
import { Group, Stack, Text } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { type Entry, readJournal } from '../../api';
import { getDeviceOptions, listDevicesOptions, readJournalQueryKey } from '../../api/@tanstack/react-query.gen';
import { CHANGE_TYPES, changeText, OBJECT_KINDS } from '../../lib/changes';
import { useListSearch } from '../../lib/list';
import { words } from '../../lib/words';
import { ChangeText } from '../../ui/ChangeText';
import { type Column, DataTable } from '../../ui/DataTable';
import { ExportButton } from '../../ui/ExportButton';
import { type Filter, FilterBar } from '../../ui/FilterBar';
import { Here, usePatch } from '../../ui/Here';
import { LivePill } from '../../ui/LivePill';
import { PageHeader } from '../../ui/PageHeader';
import { EmptyState } from '../../ui/states';
import { Time } from '../../ui/Time';
import { EntryDetails } from './EntryDetails';
import { auditSearch } from './search';
import { objectOf, Subject } from './Subject';

const route = getRouteApi('/shell/audit');
const PAGE = 50;
const EXPORTED_AT_ONCE = 500;
/** After every entry there will be. */
const END = Number.MAX_SAFE_INTEGER;
const SUMMARY = 3;

const pickDevice = {
  kind: 'pick' as const,
  useOptions: (typed: string) => {
    const [q] = useDebouncedValue(typed.trim(), 250);
    const { data } = useQuery(listDevicesOptions({ query: { q: q || undefined, limit: 20 } }));
    return (data?.items ?? []).map((device) => ({ value: device.id, label: device.friendly_name }));
  },
  useName: (id: string) => useQuery({ ...getDeviceOptions({ path: { id } }), enabled: Boolean(id), staleTime: 5 * 60_000 }).data?.friendly_name,
};

type AuditFilters = { kind?: string; change?: string; device_id?: string };

/** Entries before a position, newest first. An answer can be empty and yet not the last: the server looks only so far at once. */
async function backwards(filters: AuditFilters, cursor: string | undefined, limit: number, signal?: AbortSignal) {
  let before = cursor ? Number(cursor) : END;
  for (;;) {
    const { data } = await readJournal({ query: { ...filters, before, limit }, signal, throwOnError: true });
    if (data.items.length > 0 || !data.next_before) return { items: data.items, next_cursor: data.next_before ? String(data.next_before) : null };
    before = data.next_before;
  }
}

const FILTERS: Filter<keyof AuditFilters>[] = [
  { key: 'kind', label: 'About', atHand: true, kind: 'one', values: OBJECT_KINDS },
  { key: 'change', label: 'Change', atHand: true, kind: 'one', values: CHANGE_TYPES },
  { key: 'device_id', label: 'Device', atHand: true, ...pickDevice },
];

const COLUMNS: Column<Entry, never>[] = [
  { key: 'when', title: 'When', render: (entry) => <Time at={entry.at} /> },
  { key: 'who', title: 'Who', render: (entry) => <>{entry.actor.name} <Text span size="xs" c="dimmed">{words(entry.actor.kind).toLowerCase()}</Text></> },
  { key: 'about', title: 'About', render: (entry) => <span className="in-text"><Subject entry={entry} /></span> },
  {
    key: 'what',
    title: 'What',
    render: ({ changes }) => (
      <Stack gap={2} className="in-text" style={{ whiteSpace: 'normal' }}>
        {changes.slice(0, SUMMARY).map((change, i) => <div key={i}><ChangeText change={change} /></div>)}
        {changes.length > SUMMARY && <Text size="xs" c="dimmed">and {changes.length - SUMMARY} more</Text>}
      </Stack>
    ),
  },
  {
    key: 'details',
    title: '',
    render: ({ position }) => <Group justify="flex-end"><Here patch={{ entry: String(position) }} label={`Details of entry ${position}`}>Details</Here></Group>,
  },
];

const CSV = [
  { title: 'position', value: (entry: Entry) => entry.position },
  { title: 'at', value: (entry: Entry) => entry.at },
  { title: 'actor_kind', value: (entry: Entry) => entry.actor.kind },
  { title: 'actor', value: (entry: Entry) => entry.actor.name },
  { title: 'about', value: (entry: Entry) => (entry.device_id ? 'device' : objectOf(entry)?.kind) },
  { title: 'id', value: (entry: Entry) => entry.device_id ?? objectOf(entry)?.id },
  { title: 'name', value: (entry: Entry) => objectOf(entry)?.name },
  { title: 'changes', value: (entry: Entry) => entry.changes.map(changeText).join('; ') },
  { title: 'values', value: (entry: Entry) => JSON.stringify(entry.changes) },
];

export default function Audit() {
  const list = useListSearch(auditSearch);
  const patch = usePatch();
  const { cursor, entry: shown } = route.useSearch();
  const filters = list.filters as AuditFilters;
  // Counted news must be those the list would show.
  const fits = (entry: Entry) =>
    (!filters.device_id || entry.device_id === filters.device_id) &&
    (!filters.kind || filters.kind === (entry.device_id ? 'device' : objectOf(entry)?.kind)) &&
    (!filters.change || entry.changes.some(({ type }) => type === filters.change));
  const query = useQuery({
    queryKey: [...readJournalQueryKey(), 'backwards', filters, cursor ?? ''],
    queryFn: ({ signal }) => backwards(filters, cursor, PAGE, signal),
    placeholderData: keepPreviousData,
  });
  return (
    <Stack gap="sm">
      <PageHeader title="Audit" description="Every change in the order of commits, newest first: who or what brought it about, and what was before and after.">
        {list.onFirstPage && <LivePill query={query} concerns={fits} />}
        <ExportButton name="audit" columns={CSV} fetchPage={async (from) => ({ data: await backwards(filters, from, EXPORTED_AT_ONCE) })} />
      </PageHeader>
      <FilterBar list={list} filters={FILTERS} />
      <DataTable<Entry, never> label="Journal" list={list} query={query} columns={COLUMNS} idOf={(entry) => String(entry.position)} nameOf={(entry) => `entry ${entry.position}`} empty={<EmptyState title="Nothing has happened yet">Every change of devices, rules and administrators is written here.</EmptyState>} />
      {shown && <EntryDetails position={Number(shown)} onClose={() => patch({ entry: undefined })} />}
    </Stack>
  );
}
