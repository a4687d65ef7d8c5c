// The indicators of all sets, to look something up: an app, a certificate, a domain.
import { Stack } from '@mantine/core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { type Indicator, listIndicators } from '../../api';
import { listIndicatorSetsOptions, listIndicatorsOptions } from '../../api/@tanstack/react-query.gen';
import { useListSearch } from '../../lib/list';
import { words } from '../../lib/words';
import { type Column, DataTable } from '../../ui/DataTable';
import { ExportButton } from '../../ui/ExportButton';
import { type Filter, FilterBar, type Option } from '../../ui/FilterBar';
import { Link } from '../../ui/Link';
import { ClassificationName } from '../../ui/names';
import { PageHeader } from '../../ui/PageHeader';
import { EmptyState } from '../../ui/states';
import { Time } from '../../ui/Time';
import { IndicatorTabs } from './IndicatorTabs';
import { INDICATOR_KINDS, indicatorSearch } from './search';

type Sort = (typeof indicatorSearch.sorts)[number];

const COLUMNS: Column<Indicator, Sort>[] = [
  { key: 'value', title: 'Value', sort: 'value', render: (it) => it.value },
  { key: 'kind', title: 'Kind', render: (it) => words(it.kind) },
  { key: 'name', title: 'Gives away', render: (it) => <Link to="/indicators/search" search={{ name: it.name }}>{it.name}</Link> },
  { key: 'classification', title: 'Taken for', render: (it) => <Link to="/protections" search={{ row: it.classification }}><ClassificationName id={it.classification} /></Link> },
  { key: 'set', title: 'Set', render: (it) => <Link to="/indicators" search={{ set: it.set.id }}>{it.set.name}</Link> },
  { key: 'from', title: 'Counts from', render: (it) => <Time at={it.valid_from} /> },
  { key: 'until', title: 'Counts until', render: (it) => <Time at={it.valid_until} /> },
];

const useSets = () => useQuery({ ...listIndicatorSetsOptions({ query: { limit: 500 } }), staleTime: 60_000 }).data?.items ?? [];
const pickSet = {
  kind: 'pick' as const,
  useOptions: (typed: string): Option[] => useSets().filter(({ name }) => name.toLowerCase().includes(typed.trim().toLowerCase())).map(({ id, name }) => ({ value: id, label: name })),
  useName: (id: string) => useSets().find((each) => each.id === id)?.name,
};

const FILTERS: Filter<keyof ReturnType<typeof indicatorSearch.readFilters>>[] = [
  { key: 'q', label: 'Search', atHand: true, kind: 'search', placeholder: 'The beginning of a value' },
  { key: 'kind', label: 'Kind', atHand: true, kind: 'one', values: INDICATOR_KINDS },
  { key: 'name', label: 'Gives away, exactly', atHand: true, kind: 'text' },
  { key: 'set_id', label: 'Set', atHand: true, ...pickSet },
];

const CSV = [
  ...(['kind', 'value', 'name', 'classification', 'reference', 'valid_from', 'valid_until'] as const).map((key) => ({ title: key, value: (it: Indicator) => it[key] })),
  { title: 'set', value: (it: Indicator) => it.set.name },
];

export default function IndicatorList() {
  const list = useListSearch(indicatorSearch);
  const query = useQuery({ ...listIndicatorsOptions({ query: list.query }), placeholderData: keepPreviousData });
  return (
    <Stack gap="sm">
      <PageHeader title="All indicators" description="Values are found by their beginning, as they are kept: in lower case but for identifiers of apps.">
        <ExportButton name="indicators" columns={CSV} fetchPage={(cursor) => listIndicators({ query: { ...list.query, limit: 500, cursor }, throwOnError: true })} />
      </PageHeader>
      <IndicatorTabs />
      <FilterBar list={list} filters={FILTERS} />
      <DataTable
        label="Indicators"
        list={list}
        query={query}
        columns={COLUMNS}
        idOf={(it) => `${it.kind} ${it.value} ${it.set.id}`}
        nameOf={(it) => it.value}
        empty={<EmptyState title="No indicators yet" action={<Link to="/indicators">To the sets</Link>}>They are here once a set was uploaded or fetched.</EmptyState>}
      />
    </Stack>
  );
}
