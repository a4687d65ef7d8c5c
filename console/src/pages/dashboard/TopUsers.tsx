// The widget Top users with risk incidents.
import { Group, Stack, Text } from '@mantine/core';
import type { Dashboard } from '../../api';
import { count, counted } from '../../lib/words';
import { RiskBadge } from '../../ui/badges';
import { Link } from '../../ui/Link';
import { ShortTable } from '../../ui/ShortTable';
import { EmptyState } from '../../ui/states';
import { NotifyMenu } from '../notify/NotifyMenu';
import type { Day } from './days';
import { Chart, Panel, Views } from './parts';
import type { USER_TABS } from './search';

type Tab = (typeof USER_TABS)[number];
type Props = { dashboard: Dashboard; days: Day[] | undefined; tab: Tab; onTab: (tab: Tab) => void };

const TABS = [
  { value: 'users_with_risk_incidents', label: 'Users with risk incidents' },
  { value: 'top_risky_users', label: 'Top risky users' },
] as const;

export function TopUsers({ dashboard, days, tab, onTab }: Props) {
  return (
    <Panel title="Top users with risk incidents" note={<Link to="/risk/users" aria-label="View more risky users">View more</Link>}>
      <Views label="Users with risk incidents, or top risky users" tabs={TABS} value={tab} onChange={onTab} />
      {tab === 'top_risky_users' ? <Top users={dashboard.top_risky_users} /> : <Categories dashboard={dashboard} days={days} />}
    </Panel>
  );
}

function Categories({ dashboard, days }: Pick<Props, 'dashboard' | 'days'>) {
  const { users_by_risk_status: by, users_with_devices: all } = dashboard;
  const lines: ['high' | 'medium' | 'low' | 'none', number, string][] = [['high', by.high, 'high'], ['medium', by.medium, 'medium'], ['low', by.low, 'low'], ['none', by.none, 'no']];
  return (
    <Stack gap="sm">
      <Stack component="ul" gap={6} p={0} m={0} style={{ listStyle: 'none' }}>
        {lines.map(([level, users, word]) => (
          <Group component="li" key={level} justify="space-between">
            <RiskBadge level={level} />
            <Link to="/risk/users" fw={600} search={{ risk_status: [level] }} aria-label={`${counted(users, 'user')} with ${word} risk incidents`}>{count(users)}</Link>
          </Group>
        ))}
      </Stack>
      <Text size="sm" c="dimmed">Of {counted(all, 'user')} with at least one device, by their worst open incident.</Text>
      <Chart days={days}>{(shown, { Level }) => <Level caption="Users with risk incidents by day" days={shown} of={(point) => point.users_by_risk_status} />}</Chart>
    </Stack>
  );
}

function Top({ users }: { users: Dashboard['top_risky_users'] }) {
  return (
    <ShortTable
      label="Top risky users"
      rows={users}
      idOf={({ id }) => id}
      columns={[
        { key: 'user', title: 'User', render: ({ id, name }) => <Link to="/risk/users/$id" params={{ id }}>{name}</Link> },
        { key: 'risk', title: 'Risk', render: ({ risk_status }) => <RiskBadge level={risk_status} /> },
        { key: 'score', title: 'Score', render: ({ score }) => count(Math.round(score)) },
        { key: 'incidents', title: 'Incidents', render: ({ id, open_incidents, name }) => <Link to="/risk/users/$id" params={{ id }} aria-label={`${counted(open_incidents, 'open incident')} of ${name}`}>{count(open_incidents)}</Link> },
        { key: 'devices', title: 'Devices', render: ({ id, devices, name }) => <Link to="/devices" search={{ user_id: id }} aria-label={`${counted(devices, 'device')} of ${name}`}>{count(devices)}</Link> },
        { key: 'actions', title: '', width: 44, render: ({ id, name }) => <NotifyMenu user={{ id, name }} /> },
      ]}
      empty={<EmptyState title="No risky users">Nobody has a score above 0.</EmptyState>}
    />
  );
}
