// The Security Dashboard: the whole fleet at a glance. Every number leads to the list behind it.
import { ActionIcon, Group, SimpleGrid, Skeleton, Stack, Text, Tooltip } from '@mantine/core';
import { IconPlayerPause, IconPlayerPlay, IconRefresh, IconRocket } from '@tabler/icons-react';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { useMemo, useState } from 'react';
import type { Dashboard as Data, Entry } from '../../api';
import { getDashboardOptions, getDashboardTrendOptions } from '../../api/@tanstack/react-query.gen';
import { useScope } from '../../app/scope';
import { count, counted } from '../../lib/words';
import { Link } from '../../ui/Link';
import { useLiveRefresh } from '../../ui/liveRefresh';
import { PageHeader } from '../../ui/PageHeader';
import { EmptyState, ErrorState } from '../../ui/states';
import { DAYS, type Day, days } from './days';
import { Devices } from './Devices';
import { Enforcement } from './Enforcement';
import { Chart, Figure, Panel } from './parts';
import { RiskIncidents } from './RiskIncidents';
import type { dashboardSearch } from './search';
import { TopUsers } from './TopUsers';

const route = getRouteApi('/shell/');
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });
const decimal = new Intl.NumberFormat(undefined, { maximumFractionDigits: 2 });
const concernsDashboard = (entry: Entry) => Boolean(entry.device_id) || entry.object?.kind === 'classification';

export default function Dashboard() {
  const { og } = useScope();
  const [paused, setPaused] = useState(false);
  const scope = { organization_group_id: og };
  const query = useQuery({ ...getDashboardOptions({ query: scope }), placeholderData: keepPreviousData });
  const trend = useQuery({ ...getDashboardTrendOptions({ query: { ...scope, days: DAYS } }), placeholderData: keepPreviousData, staleTime: 5 * 60_000 });
  useLiveRefresh(query.refetch, concernsDashboard, paused);
  const { data } = query;
  const shown = useMemo(() => trend.data && days(trend.data.points, new Date(trend.dataUpdatedAt)), [trend.data, trend.dataUpdatedAt]);
  const refresh = () => {
    void query.refetch();
    void trend.refetch();
  };
  return (
    <Stack gap="md">
      <PageHeader title="Security Dashboard">
        {data && <Text size="sm" c="dimmed">As of <time dateTime={data.computed_at}>{clock.format(new Date(data.computed_at))}</time></Text>}
        <Tooltip label={paused ? 'Follow what happens' : 'Keep the numbers as they are'}>
          <ActionIcon variant="default" size={30} aria-label={paused ? 'Follow what happens' : 'Pause'} onClick={() => setPaused(!paused)}>
            {paused ? <IconPlayerPlay size={16} /> : <IconPlayerPause size={16} />}
          </ActionIcon>
        </Tooltip>
        <ActionIcon variant="default" size={30} aria-label="Refresh" loading={query.isRefetching && paused} onClick={refresh}><IconRefresh size={16} /></ActionIcon>
      </PageHeader>
      {query.error && <ErrorState error={query.error} onRetry={() => void query.refetch()} />}
      {trend.error && <ErrorState error={trend.error} onRetry={() => void trend.refetch()} />}
      {data ? <Widgets data={data} days={shown} /> : !query.error && <Waiting />}
    </Stack>
  );
}

const Waiting = () => (
  <Stack aria-busy aria-label="Loading">
    <SimpleGrid cols={{ base: 1, xs: 2, lg: 4 }}>{[0, 1, 2, 3].map((at) => <Skeleton key={at} h={112} />)}</SimpleGrid>
    <SimpleGrid cols={{ base: 1, lg: 2 }}>{[0, 1].map((at) => <Skeleton key={at} h={420} />)}</SimpleGrid>
  </Stack>
);

function Widgets({ data, days }: { data: Data; days: Day[] | undefined }) {
  const { users = 'users_with_risk_incidents', incidents = 'risk_incidents', devices = 'risk' } = route.useSearch();
  const navigate = useNavigate();
  const show = (tabs: ReturnType<typeof dashboardSearch>) => void navigate({ to: '.', search: ((now: object) => ({ ...now, ...tabs })) as never, replace: true });
  if (data.devices === 0 && data.users_with_devices === 0) return <Beginning />;
  const open = data.open_incidents;
  const all = open.high + open.medium + open.low;
  return (
    <>
      <SimpleGrid cols={{ base: 1, xs: 2, lg: 4 }}>
        <Figure label="Average risk score" value={count(Math.round(data.average_risk_score))}>
          <Link to="/risk/users">{decimal.format(data.average_risk_score)} over {counted(data.users_with_devices, 'user')} with devices</Link>
        </Figure>
        <Figure label="Risky users" value={count(data.risky_users)}><Link to="/risk/users">{counted(data.risky_users, 'user')} with a score above 0</Link></Figure>
        <Figure label="Risky devices" value={count(data.risky_devices)}>
          <Link to="/devices" search={{ risky: true, sort: '-score' }}>{count(data.risky_devices)} of {counted(data.devices, 'device')} with a score above 0</Link>
        </Figure>
        <Figure label="Risk incidents" value={count(all)}>
          <Link to="/threats" search={{ status: ['open'], level: ['high', 'medium', 'low'] }}>{count(all)} open: {count(open.high)} high, {count(open.medium)} medium, {count(open.low)} low</Link>
        </Figure>
      </SimpleGrid>
      <SimpleGrid cols={{ base: 1, lg: 2 }}>
        <TopUsers dashboard={data} days={days} tab={users} onTab={(tab) => show({ users: tab })} />
        <RiskIncidents dashboard={data} days={days} tab={incidents} onTab={(tab) => show({ incidents: tab })} />
        <Panel title="Average risk score trend" note={<Text size="sm" c="dimmed">Last {DAYS} days</Text>}>
          <Chart days={days}>{(shown, { Score }) => <Score days={shown} />}</Chart>
        </Panel>
        <Stack>
          <Devices dashboard={data} tab={devices} onTab={(tab) => show({ devices: tab })} />
          <Enforcement times={data.time_to_enforcement} />
        </Stack>
      </SimpleGrid>
    </>
  );
}

const Beginning = () => (
  <EmptyState
    title="There are no devices yet"
    action={<Group gap={6}><IconRocket size={18} aria-hidden /><Link to="/start" fw={600}>Getting started</Link></Group>}
  >
    Set up the risk response, connect a source of detections, enroll a device, and watch the first detection go round.
  </EmptyState>
);
