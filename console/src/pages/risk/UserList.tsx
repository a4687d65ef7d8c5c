// The User List: everybody with a risk score, the highest first.
import { Group, Stack, Text } from '@mantine/core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { type Entry, listUsers, type User } from '../../api';
import { getDashboardOptions, listUsersOptions } from '../../api/@tanstack/react-query.gen';
import { useScope } from '../../app/scope';
import { useListSearch } from '../../lib/list';
import { count, counted, words } from '../../lib/words';
import { RiskBadge } from '../../ui/badges';
import { type Column, DataTable } from '../../ui/DataTable';
import { ExportButton } from '../../ui/ExportButton';
import { type Filter, FilterBar } from '../../ui/FilterBar';
import { Link } from '../../ui/Link';
import { LivePill } from '../../ui/LivePill';
import { OrganizationGroupName } from '../../ui/names';
import { PageHeader } from '../../ui/PageHeader';
import { EmptyState } from '../../ui/states';
import { NotifyMenu } from '../notify/NotifyMenu';
import { RISK_STATUSES, riskyUserSearch } from './search';

type Sort = (typeof riskyUserSearch.sorts)[number];
const nameOf = (user: User) => user.display_name ?? user.user_name;

function Incidents({ user }: { user: User }) {
  const { high, medium, low } = user.incidents;
  const parts = [high && `${count(high)} high`, medium && `${count(medium)} medium`, low && `${count(low)} low`].filter(Boolean);
  return <Link to="/risk/users/$id" params={{ id: user.id }} aria-label={`Incidents of ${nameOf(user)}: ${parts.join(', ') || 'none open'}`}>{parts.join(', ') || 'None open'}</Link>;
}

const COLUMNS: Column<User, Sort>[] = [
  { key: 'user', title: 'User', sort: 'user_name', render: (user) => <Link to="/risk/users/$id" params={{ id: user.id }}>{nameOf(user)}</Link> },
  { key: 'risk', title: 'Risk', render: (user) => <RiskBadge level={user.risk_status} /> },
  { key: 'score', title: 'Score', sort: 'score', descendingFirst: true, render: (user) => count(Math.round(user.score)) },
  { key: 'incidents', title: 'Incidents', render: (user) => <Incidents user={user} /> },
  { key: 'devices', title: 'Devices', render: (user) => <Link to="/devices" search={{ user_id: user.id }} aria-label={`${counted(user.devices, 'device')} of ${nameOf(user)}`}>{count(user.devices)}</Link> },
  { key: 'group', title: 'Organization group', render: (user) => <OrganizationGroupName id={user.organization_group_id} /> },
  { key: 'actions', title: '', width: 44, render: (user) => <NotifyMenu user={{ id: user.id, name: nameOf(user) }} /> },
];

const FILTERS: Filter<keyof ReturnType<typeof riskyUserSearch.readFilters>>[] = [
  { key: 'q', label: 'Search', atHand: true, kind: 'search', placeholder: 'User name or email' },
  { key: 'risk_status', label: 'Risk', atHand: true, kind: 'many', values: RISK_STATUSES },
];

const CSV = [
  ...(['id', 'user_name', 'display_name', 'email', 'phone', 'risk_status', 'score', 'devices'] as const).map((key) => ({ title: key, value: (user: User) => user[key] })),
  ...(['high', 'medium', 'low'] as const).map((level) => ({ title: `incidents_${level}`, value: (user: User) => user.incidents[level] })),
];

const concernsUsers = (entry: Entry) => entry.object?.kind === 'user' || entry.changes.some(({ type }) => type === 'score' || type === 'user_risk');

export default function UserList() {
  const list = useListSearch(riskyUserSearch);
  const { og } = useScope();
  // Who has no open incident mostly has no score either.
  const calm = list.filters.risk_status?.includes('none') ?? false;
  // A category is shown whole: what counts for it may be set to score nothing.
  const risky = list.filters.risk_status ? undefined : true;
  const asked = { ...list.query, sort: list.query.sort ?? (calm ? ('user_name' as const) : ('-score' as const)), risky, organization_group_id: og };
  const query = useQuery({ ...listUsersOptions({ query: asked }), placeholderData: keepPreviousData });
  const shown = { ...list, sortedBy: list.sortedBy ?? (calm ? ('user_name' as const) : ('score' as const)), descending: list.sortedBy ? list.descending : !calm };
  return (
    <Stack gap="sm">
      <PageHeader title="User List" description="Users with a risk score: what the incidents on their devices add up to.">
        <LivePill query={query} concerns={concernsUsers} />
        <ExportButton name="risky-users" columns={CSV} fetchPage={(cursor) => listUsers({ query: { ...asked, limit: 500, cursor }, throwOnError: true })} />
      </PageHeader>
      <Categories og={og} />
      <FilterBar list={list} filters={FILTERS} />
      <DataTable
        label="Risky users"
        list={shown}
        query={query}
        columns={COLUMNS}
        idOf={(user) => user.id}
        nameOf={nameOf}
        empty={<EmptyState title="No risky users" action={<Link to="/users">Users &gt; Directory</Link>}>Nobody has a score above 0. Everybody is in the directory.</EmptyState>}
      />
    </Stack>
  );
}

/** How many users are in each category, of all with devices. */
function Categories({ og }: { og: string | undefined }) {
  const { data } = useQuery({ ...getDashboardOptions({ query: { organization_group_id: og } }), placeholderData: keepPreviousData });
  if (!data) return null;
  return (
    <Group gap="md" role="group" aria-label="Users by their worst open incident">
      {RISK_STATUSES.map((level) => (
        <Group key={level} gap={6}>
          <RiskBadge level={level} />
          <Link to="/risk/users" fw={600} search={{ risk_status: [level] }} aria-label={`${counted(data.users_by_risk_status[level], 'user')}: ${words(level)}`}>{count(data.users_by_risk_status[level])}</Link>
        </Group>
      ))}
      <Text size="sm" c="dimmed">of {counted(data.users_with_devices, 'user')} with devices</Text>
    </Group>
  );
}
