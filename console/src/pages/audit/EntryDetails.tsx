// One entry of the journal in full: who, when, what, and every value before and after.
import { Stack, Table, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { type Change, type Entry, readJournal } from '../../api';
import { listProfilesOptions, listSmartGroupsOptions, listTagsOptions, listUserGroupsOptions, readJournalQueryKey } from '../../api/@tanstack/react-query.gen';
import { useOrganizationGroups } from '../../app/scope';
import { differences } from '../../lib/changes';
import { words } from '../../lib/words';
import { ChangeText } from '../../ui/ChangeText';
import { Drawer } from '../../ui/Modal';
import { EmptyState, ErrorState } from '../../ui/states';
import { Time } from '../../ui/Time';
import { useRoles } from '../roles/roles';
import { Subject } from './Subject';

export function EntryDetails({ position, onClose }: { position: number; onClose: () => void }) {
  const query = { after: position - 1, limit: 1 };
  const { data: entry, error, isPending } = useQuery<Entry | null>({
    queryKey: [...readJournalQueryKey({ query }), 'one'],
    queryFn: async ({ signal }) => {
      const { data } = await readJournal({ query, signal, throwOnError: true });
      return data.items.find((each) => each.position === position) ?? null;
    },
    staleTime: Infinity,
  });
  return (
    <Drawer opened onClose={onClose} position="right" size="xl" title={`Entry ${position}`} closeButtonProps={{ 'aria-label': 'Close the entry' }}>
      {error && <ErrorState error={error} />}
      {!error && !entry && !isPending && <EmptyState title="No such entry">It may be out of your reach.</EmptyState>}
      {entry && <Shown entry={entry} />}
    </Drawer>
  );
}

function Shown({ entry }: { entry: Entry }) {
  return (
    <Stack className="in-text">
      <Table withRowBorders={false} verticalSpacing={2}>
        <Table.Tbody>
          <Fact name="When"><Time at={entry.at} /> ({new Date(entry.at).toLocaleString()})</Fact>
          <Fact name="Who">{entry.actor.name} ({words(entry.actor.kind).toLowerCase()})</Fact>
          <Fact name="About"><Subject entry={entry} /></Fact>
          {entry.events && entry.events.length > 0 && <Fact name="Because of">{entry.events.join(', ')}</Fact>}
        </Table.Tbody>
      </Table>
      {entry.changes.map((change, i) => (
        <Stack key={i} gap={6}>
          <Title order={2} size="h6"><ChangeText change={change} /></Title>
          <Values change={change} />
        </Stack>
      ))}
    </Stack>
  );
}

const Fact = ({ name, children }: { name: string; children: React.ReactNode }) => (
  <Table.Tr>
    <Table.Th scope="row" w={110}>{name}</Table.Th>
    <Table.Td>{children}</Table.Td>
  </Table.Tr>
);

function Values({ change }: { change: Change }) {
  const nameOf = useNames();
  if (change.type !== 'created' && change.type !== 'updated' && change.type !== 'deleted') return null;
  const before = 'before' in change ? change.before : undefined;
  const after = 'after' in change ? change.after : undefined;
  const rows = differences(before, after);
  if (rows.length === 0) return null;
  const shown = (value: unknown): string => {
    if (value === undefined || value === null || value === '' || (Array.isArray(value) && value.length === 0)) return '–';
    if (Array.isArray(value)) return value.map(shown).join(', ');
    if (typeof value === 'boolean') return value ? 'yes' : 'no';
    if (typeof value === 'object') return JSON.stringify(value);
    return nameOf(String(value)) ?? String(value);
  };
  return (
    <Table withTableBorder>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>What</Table.Th>
          {before && <Table.Th>Before</Table.Th>}
          {after && <Table.Th>After</Table.Th>}
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {rows.map((row) => (
          <Table.Tr key={row.path.join('/')}>
            <Table.Th scope="row" fw={400}>{row.path.map(partText).join(' › ')}</Table.Th>
            {before && <Table.Td style={{ overflowWrap: 'anywhere' }}>{shown(row.before)}</Table.Td>}
            {after && <Table.Td style={{ overflowWrap: 'anywhere' }}>{shown(row.after)}</Table.Td>}
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

// A platform's own names stay as they are.
const partText = (part: string) => (/^[a-z_]+$/.test(part) ? words(part) : part);

/** The names of what the journal gives only by id. */
function useNames(): (id: string) => string | undefined {
  const all = { query: { limit: 500 } };
  const keep = { staleTime: 5 * 60_000 };
  const groups = useOrganizationGroups();
  const tags = useQuery({ ...listTagsOptions(all), ...keep }).data?.items;
  const smartGroups = useQuery({ ...listSmartGroupsOptions(all), ...keep }).data?.items;
  const profiles = useQuery({ ...listProfilesOptions(all), ...keep }).data?.items;
  const userGroups = useQuery({ ...listUserGroupsOptions(all), ...keep }).data?.items;
  const roles = useRoles();
  const names = useMemo(
    () => new Map([groups, tags, smartGroups, profiles, userGroups, roles].flatMap((items) => (items ?? []).map(({ id, name }) => [id, name] as const))),
    [groups, tags, smartGroups, profiles, userGroups, roles],
  );
  return (id) => names.get(id);
}
