// The widget Time from detection to enforcement.
import { Table, Text } from '@mantine/core';
import type { Dashboard, Percentiles } from '../../api';
import { duration } from '../../lib/duration';
import { count } from '../../lib/words';
import { Link } from '../../ui/Link';
import { Panel } from './parts';

const seconds = new Intl.NumberFormat(undefined, { maximumSignificantDigits: 2, style: 'unit', unit: 'second', unitDisplay: 'short' });
/** Short times to two digits, long ones in larger units. */
const time = (of: number | null) => (of === null ? '–' : of < 60 ? seconds.format(of) : duration(of));

export function Enforcement({ times }: { times: Dashboard['time_to_enforcement'] }) {
  const rows: [string, Percentiles][] = [['Last 24 hours', times.last_24_hours], ['Last 7 days', times.last_7_days]];
  return (
    <Panel title="Time from detection to enforcement" note={<Link to="/devices" search={{ risk_level: ['high', 'medium', 'low'] }}>Devices at risk</Link>}>
      <Table verticalSpacing={6}>
        <Table.Thead>
          <Table.Tr><Table.Th>Installed in the</Table.Th><Table.Th ta="right">Half within</Table.Th><Table.Th ta="right">95 % within</Table.Th><Table.Th ta="right">Restrictions</Table.Th></Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {rows.map(([name, { p50, p95, count: all }]) => (
            <Table.Tr key={name}>
              <Table.Th scope="row" fw={400}>{name}</Table.Th>
              <Table.Td ta="right" fw={600}>{time(p50)}</Table.Td>
              <Table.Td ta="right" fw={600}>{time(p95)}</Table.Td>
              <Table.Td ta="right">{count(all)}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      <Text size="sm" c="dimmed">From a detection being taken in to the device’s word that the profile it led to is installed.</Text>
    </Panel>
  );
}
