// The details of an incident, beside the page: what it is, what is known, and where else it is open.
import { Code, Skeleton, Stack, Table, Tabs, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import type { Threat, UserIncident } from '../../api';
import { getThreatOptions, listThreatsOptions } from '../../api/@tanstack/react-query.gen';
import { duration } from '../../lib/duration';
import { counted, words } from '../../lib/words';
import { Drawer } from '../../ui/Modal';
import { RiskBadge, StatusBadge } from '../../ui/badges';
import { Link } from '../../ui/Link';
import { DeviceLink, ThreatLink, UserLink } from '../../ui/names';
import { ShortTable } from '../../ui/ShortTable';
import { EmptyState, ErrorState } from '../../ui/states';
import { Time } from '../../ui/Time';

type Props = { id: string; incidents: UserIncident[]; onClose: () => void };

export function IncidentDetails({ id, incidents, onClose }: Props) {
  const { data: threat, error, refetch } = useQuery(getThreatOptions({ path: { id } }));
  const incident = incidents.find(({ threat_id }) => threat_id === id);
  const title = incident?.name ?? threat?.name ?? 'Incident';
  return (
    <Drawer opened onClose={onClose} title={title} position="right" size="lg" closeButtonProps={{ 'aria-label': 'Close details' }}>
      <Stack>
        {error && <ErrorState error={error} onRetry={() => void refetch()} />}
        {!threat && !error && <Stack aria-busy><Skeleton h={24} /><Skeleton h={120} /></Stack>}
        {threat && (
          <>
            <Facts
              facts={[
                ['Severity', <RiskBadge level={threat.level} />],
                ['Status', <StatusBadge status={threat.status} />],
                ['Device', <DeviceLink id={threat.device.id}>{threat.device.friendly_name}</DeviceLink>],
                ['Source', `${threat.source}${threat.severity ? `, which rates it ${threat.severity}` : ''}`],
                ['First seen', <Time at={threat.first_seen} />],
                ['Dwell time', duration(threat.dwell_time)],
                ...(incident ? ([['Adds to the score', `${Math.round(incident.score)} points, ${categoryText(incident)}`]] as [string, ReactNode][]) : []),
              ]}
            />
            {threat.user_text && <Section title="What its owner should do">{threat.user_text}</Section>}
            {threat.admin_text && <Section title="What an administrator can do">{threat.admin_text}</Section>}
            <Evidence details={threat.details} />
            <Elsewhere threat={threat} incidents={incidents} />
            <ThreatLink id={threat.id}>Open the threat</ThreatLink>
          </>
        )}
      </Stack>
    </Drawer>
  );
}

/** What becomes of an incident's part of the score. */
export const categoryText = ({ category, status }: UserIncident) =>
  category === 'behaviour' ? (status === 'open' ? 'which fade once it is over' : 'fading day by day') : 'until it is resolved';

const Section = ({ title, children }: { title: string; children: ReactNode }) => (
  <Stack gap={4}>
    <Title order={3} size="h6">{title}</Title>
    <Text size="sm">{children}</Text>
  </Stack>
);

const Facts = ({ facts }: { facts: [string, ReactNode][] }) => (
  <Table variant="vertical" layout="fixed" withTableBorder verticalSpacing={5}>
    <Table.Tbody>
      {facts.map(([name, value]) => (
        <Table.Tr key={name}><Table.Th w={150} scope="row">{name}</Table.Th><Table.Td style={{ overflowWrap: 'anywhere' }}>{value}</Table.Td></Table.Tr>
      ))}
    </Table.Tbody>
  </Table>
);

function Evidence({ details }: { details: Record<string, unknown> }) {
  const known = Object.entries(details).filter(([, value]) => value !== null && value !== '');
  if (known.length === 0) return null;
  return (
    <Stack gap={4}>
      <Title order={3} size="h6">Evidence</Title>
      <Facts facts={known.map(([name, value]) => [words(name), typeof value === 'object' ? <Code block>{JSON.stringify(value, null, 2)}</Code> : String(value)])} />
    </Stack>
  );
}

const SHOWN = 20;

function Elsewhere({ threat, incidents }: { threat: Threat; incidents: UserIncident[] }) {
  const same = incidents.filter(({ classification }) => classification === threat.classification);
  const open = { classification: threat.classification, status: ['open' as const] };
  const all = useQuery(listThreatsOptions({ query: { ...open, classification: [threat.classification], limit: SHOWN } }));
  return (
    <Stack gap={4}>
      <Title order={3} size="h6">Affected devices</Title>
      <Tabs defaultValue="own" keepMounted={false}>
        <Tabs.List>
          <Tabs.Tab value="own">User’s devices</Tabs.Tab>
          <Tabs.Tab value="all">All devices</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="own" pt="xs">
          <ShortTable
            label="User’s devices"
            rows={same}
            idOf={({ threat_id }) => threat_id}
            columns={[
              { key: 'device', title: 'Device', render: ({ device }) => <DeviceLink id={device.id}>{device.friendly_name}</DeviceLink> },
              { key: 'platform', title: 'Platform', render: ({ device }) => words(device.platform) },
              { key: 'severity', title: 'Severity', render: ({ severity }) => <RiskBadge level={severity} /> },
              { key: 'first', title: 'First seen', render: ({ first_seen }) => <Time at={first_seen} /> },
            ]}
            empty={<EmptyState title="On none of this user’s devices any more" />}
          />
        </Tabs.Panel>
        <Tabs.Panel value="all" pt="xs">
          {all.error && <ErrorState error={all.error} onRetry={() => void all.refetch()} />}
          <ShortTable
            label="All devices"
            rows={all.data?.items}
            idOf={({ id }) => id}
            columns={[
              { key: 'device', title: 'Device', render: ({ device }) => <DeviceLink id={device.id}>{device.friendly_name}</DeviceLink> },
              { key: 'platform', title: 'Platform', render: ({ device }) => words(device.platform) },
              { key: 'owner', title: 'Owner', render: ({ device: { user } }) => (user ? <UserLink id={user.id}>{user.name}</UserLink> : '–') },
              { key: 'severity', title: 'Severity', render: ({ level }) => <RiskBadge level={level} /> },
              { key: 'first', title: 'First seen', render: ({ first_seen }) => <Time at={first_seen} /> },
            ]}
            empty={<EmptyState title="Open nowhere any more" />}
          />
          {all.data?.next_cursor && <Text size="sm" mt="xs">The first {counted(SHOWN, 'device')}. <Link to="/threats" search={open}>Show all</Link></Text>}
        </Tabs.Panel>
      </Tabs>
    </Stack>
  );
}
