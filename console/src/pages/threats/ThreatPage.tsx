// One threat: where it is, how it is rated and by whom, its evidence, and what to do about it.
import { Alert, Group, SimpleGrid, Stack, Text } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import type { ThreatWithDetails } from '../../api';
import { getThreatOptions } from '../../api/@tanstack/react-query.gen';
import { useLive } from '../../app/live';
import { duration } from '../../lib/duration';
import { words } from '../../lib/words';
import { RiskBadge, StatusBadge } from '../../ui/badges';
import { Link } from '../../ui/Link';
import { Loading } from '../../ui/Loading';
import { DeviceLink, UserLink } from '../../ui/names';
import { PageHeader } from '../../ui/PageHeader';
import { Facts, Section } from '../../ui/Section';
import { ErrorState } from '../../ui/states';
import { Time } from '../../ui/Time';
import { goesBy } from './decisions';
import { Evidence } from './Evidence';
import { ThreatActions } from './ThreatActions';

const route = getRouteApi('/shell/threats/$threatId');

function decider({ decided_by, source }: ThreatWithDetails): string {
  switch (decided_by) {
    case 'default':
      return 'Protections, by default';
    case 'tenant':
      return 'Protections, as set in this organization';
    case 'source':
      return `${source}, which is trusted`;
  }
}

export default function ThreatPage() {
  const { threatId: id } = route.useParams();
  const { data: threat, error, refetch } = useQuery(getThreatOptions({ path: { id } }));
  const refresh = useDebouncedCallback(() => void refetch(), 300);
  useLive((entry) => {
    if (entry.device_id !== undefined && entry.device_id === threat?.device.id) refresh();
  });
  if (!threat) return error ? <ErrorState error={error} onRetry={() => void refetch()} /> : <Loading />;
  return (
    <Stack gap="sm">
      <Text size="sm"><Link to="/threats">Threats</Link></Text>
      <PageHeader title={threat.name} description={`On ${threat.device.friendly_name}`}><ThreatActions threat={threat} size="sm" /></PageHeader>
      {error && <ErrorState error={error} onRetry={() => void refetch()} />}
      <Group gap="md">
        <Group gap={6}><Text size="sm" c="dimmed">Level</Text><RiskBadge level={threat.level} /></Group>
        <Group gap={6}><Text size="sm" c="dimmed">Status</Text><StatusBadge status={threat.status} /></Group>
      </Group>
      {threat.ignored && (
        <Alert color="gray" title={`Ignored by ${threat.ignored.by}`}>
          <Text size="sm">“{threat.ignored.reason}” <Time at={threat.ignored.at} /></Text>
        </Alert>
      )}
      <SimpleGrid cols={{ base: 1, md: 2 }} spacing="sm">
        <Section title="Threat">
          <Facts
            facts={[
              ['Device', <DeviceLink key="device" id={threat.device.id}>{threat.device.friendly_name}</DeviceLink>],
              ['User', threat.device.user && <UserLink id={threat.device.user.id}>{threat.device.user.name}</UserLink>],
              ['Platform', words(threat.device.platform)],
              ['Classification', <Link key="classification" to="/threats" search={{ classification: threat.classification }}>{threat.classification}</Link>],
              ['Family', threat.family && words(threat.family)],
              ['Level decided by', <Link key="decider" to="/protections" search={{ row: threat.classification }}>{decider(threat)}</Link>],
              ['Source', threat.source],
              ['Its own severity', threat.severity && words(threat.severity)],
              ['Its id of the threat', threat.threat_id],
              ['First seen', <Time key="first" at={threat.first_seen} />],
              ['Last change', <Time key="last" at={threat.changed_at} />],
              [threat.status === 'open' ? 'On the device for' : 'Was on the device for', duration(threat.dwell_time)],
            ]}
          />
        </Section>
        <Stack gap="sm">
          <Section title="Evidence"><Evidence details={threat.details} /></Section>
          <Section title="What to do">
            {threat.status === 'open' && goesBy(threat) && <Text size="sm">{goesBy(threat)}</Text>}
            {!threat.admin_text && !threat.user_text && <Text size="sm">There is no advice for this kind of threat.</Text>}
            {threat.admin_text && <div><Text size="sm" fw={600}>For you</Text><Text size="sm">{threat.admin_text}</Text></div>}
            {threat.user_text && <div><Text size="sm" fw={600}>For the user</Text><Text size="sm">{threat.user_text}</Text></div>}
          </Section>
        </Stack>
      </SimpleGrid>
      <Text size="sm"><Link to="/devices/$deviceId" params={{ deviceId: threat.device.id }} search={{ tab: 'why' }}>What this threat brought about on the device</Link></Text>
    </Stack>
  );
}
