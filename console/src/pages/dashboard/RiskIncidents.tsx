// The widget Risk incidents: how many there were day by day, and which kinds are open on the most devices.
import { Group, Stack } from '@mantine/core';
import type { Dashboard, RiskLevel } from '../../api';
import { count, counted } from '../../lib/words';
import { RiskBadge } from '../../ui/badges';
import { Link } from '../../ui/Link';
import { ShortTable } from '../../ui/ShortTable';
import { EmptyState } from '../../ui/states';
import type { Day } from './days';
import { Chart, Panel, Views } from './parts';
import type { INCIDENT_TABS } from './search';

type Tab = (typeof INCIDENT_TABS)[number];
type Props = { dashboard: Dashboard; days: Day[] | undefined; tab: Tab; onTab: (tab: Tab) => void };

const TABS = [
  { value: 'risk_incidents', label: 'Risk incidents' },
  { value: 'top_risk_incidents', label: 'Top risk incidents' },
] as const;
const LEVELS: RiskLevel[] = ['high', 'medium', 'low'];

export function RiskIncidents({ dashboard, days, tab, onTab }: Props) {
  return (
    <Panel title="Risk incidents" note={<Link to="/threats" search={{ status: ['open'] }} aria-label="View more open incidents">View more</Link>}>
      <Views label="Risk incidents by day, or top risk incidents" tabs={TABS} value={tab} onChange={onTab} />
      {tab === 'top_risk_incidents' ? <Top incidents={dashboard.top_incidents} /> : <ByDay open={dashboard.open_incidents} days={days} />}
    </Panel>
  );
}

function ByDay({ open, days }: { open: Dashboard['open_incidents']; days: Day[] | undefined }) {
  const levels = ['high', 'medium', 'low', 'advisory'] as const;
  return (
    <Stack gap="sm">
      <Stack component="ul" gap={6} p={0} m={0} style={{ listStyle: 'none' }}>
        {levels.map((level) => (
          <Group component="li" key={level} justify="space-between">
            <RiskBadge level={level} />
            <Link to="/threats" fw={600} search={{ status: ['open'], level: [level] }} aria-label={`${counted(open[level], 'open incident')} of level ${level}`}>{count(open[level])}</Link>
          </Group>
        ))}
      </Stack>
      <Chart days={days}>{(shown, { Level }) => <Level caption="Open risk incidents by day" days={shown} of={(point) => point.open_incidents} />}</Chart>
    </Stack>
  );
}

function Top({ incidents }: { incidents: Dashboard['top_incidents'] }) {
  return (
    <ShortTable
      label="Top risk incidents"
      rows={[...incidents].sort((a, b) => b.devices - a.devices)}
      idOf={({ classification }) => classification}
      columns={[
        { key: 'name', title: 'Incident', render: ({ name }) => name },
        { key: 'level', title: 'Risk', render: ({ level }) => <RiskBadge level={level} /> },
        {
          key: 'incidents', title: 'Incidents',
          render: ({ classification, incidents: open, name }) => (
            <Link to="/threats" search={{ status: ['open'], level: LEVELS, classification }} aria-label={`${counted(open, 'open incident')}: ${name}`}>{count(open)}</Link>
          ),
        },
        {
          key: 'devices', title: 'Affected devices',
          render: ({ classification, devices, name }) => (
            <Link to="/threats" search={{ status: ['open'], classification }} aria-label={`${counted(devices, 'device is', 'devices are')} affected by ${name}`}>{count(devices)}</Link>
          ),
        },
      ]}
      empty={<EmptyState title="No open incidents">Nothing is wrong on any device.</EmptyState>}
    />
  );
}
