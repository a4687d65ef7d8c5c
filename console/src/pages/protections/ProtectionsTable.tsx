// Protections: what risk level each classification means, and what is done about it.
import { Stack, Text, UnstyledButton } from '@mantine/core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { type Classification, type Entry, listClassifications } from '../../api';
import { getClassificationOptions, listClassificationsOptions } from '../../api/@tanstack/react-query.gen';
import { useRights } from '../../app/session';
import { useListSearch } from '../../lib/list';
import { count, words } from '../../lib/words';
import { RISK_LEVELS, RiskBadge } from '../../ui/badges';
import { type Column, DataTable } from '../../ui/DataTable';
import { ExportButton } from '../../ui/ExportButton';
import { type Filter, FilterBar } from '../../ui/FilterBar';
import { usePatch } from '../../ui/Here';
import { JobNotice } from '../../ui/JobNotice';
import { Link } from '../../ui/Link';
import { LivePill } from '../../ui/LivePill';
import { PageHeader } from '../../ui/PageHeader';
import { EmptyState } from '../../ui/states';
import { ProtectionsRow } from './ProtectionsRow';
import { FAMILIES, protectionsSearch, RESPONSES } from './search';

type Sort = (typeof protectionsSearch.sorts)[number];

const FILTERS: Filter<keyof ReturnType<typeof protectionsSearch.readFilters>>[] = [
  { key: 'q', label: 'Search', atHand: true, kind: 'search', placeholder: 'Name, text or technique' },
  { key: 'risk_level', label: 'Risk level', atHand: true, kind: 'many', values: RISK_LEVELS },
  { key: 'family', label: 'Family', atHand: true, kind: 'many', values: FAMILIES },
  { key: 'platform', label: 'Platform', kind: 'one', values: ['android', 'ios'] },
  { key: 'response', label: 'Response', kind: 'many', values: RESPONSES },
  { key: 'changed', label: 'Changed from the default', kind: 'flag' },
  { key: 'untranslated', label: 'Without a text in the language', kind: 'text' },
];

const CSV = [
  ...(['id', 'name', 'family', 'risk_level', 'default_risk_level', 'response', 'default_response', 'open_threats', 'user_text', 'admin_text'] as const).map((key) => ({
    title: key, value: (row: Classification) => row[key],
  })),
  { title: 'platforms', value: (row: Classification) => row.platforms.join(' ') },
  { title: 'technique', value: (row: Classification) => row.technique?.id },
];

const concernsProtections = (entry: Entry) => entry.object?.kind === 'classification';
const route = getRouteApi('/shell/protections');

export default function ProtectionsTable() {
  const list = useListSearch(protectionsSearch);
  const { row: shown, job } = route.useSearch();
  const mayEdit = useRights()('edit_protections');
  const asked = { ...list.query, sort: list.query.sort ?? 'name' };
  const query = useQuery({ ...listClassificationsOptions({ query: asked }), placeholderData: keepPreviousData });
  const open = useQuery({ ...getClassificationOptions({ path: { id: shown ?? '' } }), enabled: Boolean(shown) });
  const patch = usePatch();
  const close = { row: undefined, tab: undefined, language: undefined };

  const columns: Column<Classification, Sort>[] = [
    {
      key: 'name', title: 'Classification', sort: 'name',
      render: (row) => <UnstyledButton className="table-link" c="var(--mantine-color-anchor)" fz="sm" aria-label={`${row.name}: ${mayEdit ? 'show or change' : 'show'}`} onClick={() => patch({ row: row.id })}>{row.name}</UnstyledButton>,
    },
    { key: 'family', title: 'Family', sort: 'family', render: (row) => words(row.family) },
    { key: 'platforms', title: 'Platforms', render: (row) => row.platforms.map(words).join(', ') },
    { key: 'level', title: 'Risk level', sort: 'risk_level', descendingFirst: true, render: (row) => <RiskBadge level={row.risk_level} /> },
    {
      key: 'default', title: 'Default',
      render: (row) => (row.risk_level === row.default_risk_level ? <Text span size="sm" c="dimmed">{words(row.default_risk_level)}</Text> : <RiskBadge level={row.default_risk_level} />),
    },
    { key: 'response', title: 'Response', render: (row) => (row.response === row.default_response ? words(row.response) : `${words(row.response)} (default ${words(row.default_response).toLowerCase()})`) },
    {
      key: 'open', title: 'Open threats', sort: 'open_threats', descendingFirst: true,
      render: (row) => row.open_threats === 0 ? '0' : <Link to={'/threats' as string} search={{ classification: [row.id], status: ['open'] } as never} aria-label={`${count(row.open_threats)} open threats: ${row.name}`}>{count(row.open_threats)}</Link>,
    },
    { key: 'technique', title: 'MITRE ATT&CK', render: (row) => row.technique?.id ?? '–' },
    { key: 'user_text', title: 'The user is told', render: (row) => row.user_text },
  ];
  return (
    <Stack gap="sm">
      <PageHeader title="Protections" description={mayEdit ? 'What risk level each kind of threat means. Choose one to change it; the effect is shown first.' : 'What risk level each kind of threat means.'}>
        <LivePill query={query} concerns={concernsProtections} />
        <ExportButton name="protections" columns={CSV} fetchPage={(cursor) => listClassifications({ query: { ...asked, limit: 500, cursor }, throwOnError: true })} />
      </PageHeader>
      {job && <JobNotice id={job} onDone={() => void query.refetch()} onClose={() => patch({ job: undefined })} />}
      <FilterBar list={list} filters={FILTERS} />
      <DataTable
        label="Protections"
        list={list}
        query={query}
        columns={columns}
        idOf={(row) => row.id}
        nameOf={(row) => row.name}
        empty={<EmptyState title="No classifications">This server knows none.</EmptyState>}
      />
      {shown && open.data && <ProtectionsRow key={shown} row={open.data} onClose={() => patch(close)} onJob={(id) => patch({ ...close, job: id ?? undefined })} />}
    </Stack>
  );
}
