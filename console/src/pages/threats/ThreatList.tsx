// All threats: filtered, sorted and paged by the server.
import { Stack } from '@mantine/core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { type Entry, listThreats, type Threat } from '../../api';
import { getDeviceOptions, listClassificationsOptions, listDevicesOptions, listThreatsOptions } from '../../api/@tanstack/react-query.gen';
import { useScope } from '../../app/scope';
import { useRights } from '../../app/session';
import { duration } from '../../lib/duration';
import { useListSearch } from '../../lib/list';
import { words } from '../../lib/words';
import { RISK_LEVELS, RiskBadge, StatusBadge } from '../../ui/badges';
import { type Column, DataTable } from '../../ui/DataTable';
import { ExportButton } from '../../ui/ExportButton';
import { type Filter, FilterBar, type Option } from '../../ui/FilterBar';
import { Link } from '../../ui/Link';
import { LivePill } from '../../ui/LivePill';
import { DeviceLink, ThreatLink, UserLink } from '../../ui/names';
import { PageHeader } from '../../ui/PageHeader';
import { EmptyState } from '../../ui/states';
import { Time } from '../../ui/Time';
import { FAMILIES, THREAT_STATUSES, threatSearch } from './search';
import { ThreatActions } from './ThreatActions';

type Sort = (typeof threatSearch.sorts)[number];

const COLUMNS: Column<Threat, Sort>[] = [
  { key: 'level', title: 'Level', render: (t) => <RiskBadge level={t.level} /> },
  { key: 'name', title: 'Threat', render: (t) => <ThreatLink id={t.id}>{t.name}</ThreatLink> },
  { key: 'status', title: 'Status', render: (t) => <StatusBadge status={t.status} /> },
  { key: 'device', title: 'Device', render: (t) => <DeviceLink id={t.device.id}>{t.device.friendly_name}</DeviceLink> },
  { key: 'user', title: 'User', render: (t) => (t.device.user ? <UserLink id={t.device.user.id}>{t.device.user.name}</UserLink> : '–') },
  { key: 'dwell', title: 'Dwell time', render: (t) => duration(t.dwell_time) },
  { key: 'changed_at', title: 'Last change', sort: 'changed_at', descendingFirst: true, render: (t) => <Time at={t.changed_at} /> },
  { key: 'first_seen', title: 'First seen', sort: 'first_seen', descendingFirst: true, render: (t) => <Time at={t.first_seen} /> },
  { key: 'family', title: 'Family', render: (t) => (t.family ? words(t.family) : '–') },
  { key: 'source', title: 'Source', render: (t) => t.source },
];
const ACTIONS: Column<Threat, Sort> = { key: 'actions', title: '', render: (t) => <ThreatActions threat={t} /> };

const ALL = { query: { limit: 500 } };
const useClassifications = () => useQuery({ ...listClassificationsOptions(ALL), staleTime: 5 * 60_000 }).data?.items;
const pickClassification = {
  kind: 'pick' as const,
  useOptions: (typed: string): Option[] =>
    (useClassifications() ?? []).filter(({ name }) => name.toLowerCase().includes(typed.trim().toLowerCase())).map(({ id, name }) => ({ value: id, label: name })),
  useName: (id: string) => useClassifications()?.find((each) => each.id === id)?.name ?? (id ? words(id) : undefined),
};
const pickDevice = {
  kind: 'pick' as const,
  useOptions: (typed: string): Option[] => {
    const { data } = useQuery(listDevicesOptions({ query: { q: typed.trim() || undefined, limit: 20 } }));
    return (data?.items ?? []).map((device) => ({ value: device.id, label: device.friendly_name }));
  },
  useName: (id: string) => useQuery({ ...getDeviceOptions({ path: { id } }), enabled: id !== '' }).data?.friendly_name,
};

const FILTERS: Filter<keyof ReturnType<typeof threatSearch.readFilters>>[] = [
  { key: 'status', label: 'Status', atHand: true, kind: 'many', values: THREAT_STATUSES },
  { key: 'level', label: 'Level', atHand: true, kind: 'many', values: RISK_LEVELS },
  { key: 'family', label: 'Family', atHand: true, kind: 'many', values: FAMILIES },
  { key: 'classification', label: 'Classification', ...pickClassification },
  { key: 'source', label: 'Source', kind: 'text' },
  { key: 'device_id', label: 'Device', ...pickDevice },
  { key: 'since', label: 'Changed since', kind: 'moment' },
  { key: 'until', label: 'Changed before', kind: 'moment' },
];

const CSV = [
  ...(['id', 'name', 'classification', 'family', 'level', 'status', 'source', 'threat_id', 'first_seen', 'changed_at', 'dwell_time'] as const).map((key) => ({
    title: key, value: (t: Threat) => t[key],
  })),
  { title: 'device_id', value: (t: Threat) => t.device.id },
  { title: 'device', value: (t: Threat) => t.device.friendly_name },
  { title: 'user', value: (t: Threat) => t.device.user?.name },
];

const concernsThreats = (entry: Entry) => entry.changes.some(({ type }) => type === 'threat');

export default function ThreatList() {
  const list = useListSearch(threatSearch);
  const { classification, source, ...rest } = list.query;
  // Without a choice the latest change comes first.
  const { og } = useScope();
  const asked = { ...rest, organization_group_id: og, sort: rest.sort ?? ('-changed_at' as const), classification: classification ? [classification] : undefined, source: source ? [source] : undefined };
  const query = useQuery({ ...listThreatsOptions({ query: asked }), placeholderData: keepPreviousData });
  const mayManage = useRights()('manage_threats');
  return (
    <Stack gap="sm">
      <PageHeader title="Threats" description={<Link to="/threats/source-events">Messages of sources that wait or could not be understood</Link>}>
        <LivePill query={query} concerns={concernsThreats} />
        <ExportButton name="threats" columns={CSV} fetchPage={(cursor) => listThreats({ query: { ...asked, limit: 500, cursor }, throwOnError: true })} />
      </PageHeader>
      <FilterBar list={list} filters={FILTERS} />
      <DataTable
        label="Threats"
        list={list}
        query={query}
        columns={mayManage ? [...COLUMNS, ACTIONS] : COLUMNS}
        idOf={(t) => t.id}
        nameOf={(t) => `${t.name} on ${t.device.friendly_name}`}
        empty={<EmptyState title="No threats yet" action={<Link to={'/integrations' as string}>Connect a source</Link>}>Threats appear here once a source reports one: a connected feed, an enrolled device, or your own program over the API.</EmptyState>}
      />
    </Stack>
  );
}
