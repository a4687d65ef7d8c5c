// The Summary View of a user: the score and how it came about, the incidents, the risky devices, and Notify.
import { Button, Group, Paper, Progress, Skeleton, Stack, Text, Title, UnstyledButton } from '@mantine/core';
import { IconSend } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import type { Entry, RiskLevel, UserIncident, UserIncidents } from '../../api';
import { getSettingsOptions, getUserOptions, listDevicesOptions, listUserIncidentsOptions } from '../../api/@tanstack/react-query.gen';
import { Allowed } from '../../app/session';
import { duration } from '../../lib/duration';
import { count, counted, words } from '../../lib/words';
import { RiskBadge, StatusBadge } from '../../ui/badges';
import { Link } from '../../ui/Link';
import { useLiveRefresh } from '../../ui/liveRefresh';
import { DeviceLink } from '../../ui/names';
import { PageHeader } from '../../ui/PageHeader';
import { ShortTable } from '../../ui/ShortTable';
import { EmptyState, ErrorState } from '../../ui/states';
import { Time } from '../../ui/Time';
import { SendNotification } from '../notify/SendNotification';
import { categoryText, IncidentDetails } from './IncidentDetails';
import { RiskyDevices } from './RiskyDevices';

const route = getRouteApi('/shell/risk/users/$id');
const DEVICES = 100;

export default function UserSummary() {
  const { id } = route.useParams();
  const { incident } = route.useSearch();
  const navigate = useNavigate();
  const [notifying, setNotifying] = useState(false);
  const user = useQuery(getUserOptions({ path: { id } }));
  const incidents = useQuery(listUserIncidentsOptions({ path: { id } }));
  const devices = useQuery(listDevicesOptions({ query: { user_id: id, sort: '-score', limit: DEVICES } }));
  const concerns = (entry: Entry) =>
    entry.object?.id === id ||
    Boolean(devices.data?.items.some((device) => device.id === entry.device_id)) ||
    entry.changes.some((change) => change.type === 'user_risk' && change.user === id);
  useLiveRefresh(() => Promise.all([user.refetch(), incidents.refetch(), devices.refetch()]), concerns);
  const show = (threat: string | undefined) => void navigate({ to: '.', search: ((now: object) => ({ ...now, incident: threat })) as never, replace: true });
  if (user.error) return <ErrorState error={user.error} onRetry={() => void user.refetch()} />;
  if (!user.data) return <Stack aria-busy><Skeleton h={40} /><Skeleton h={160} /><Skeleton h={240} /></Stack>;
  const { user_name, display_name, email, phone, risk_status, version } = user.data;
  const name = display_name ?? user_name;
  return (
    <Stack gap="lg">
      <PageHeader
        title={name}
        description={<><RiskBadge level={risk_status} /> {[user_name === name ? null : user_name, email, phone].filter(Boolean).join(' · ')} · <Link to="/users/$userId" params={{ userId: id }} underline="always">Users &gt; Directory</Link></>}
      >
        <Link to="/notifications" search={{ user_id: id }}>Notifications sent</Link>
        <Allowed right="notify"><Button leftSection={<IconSend size={16} aria-hidden />} onClick={() => setNotifying(true)}>Notify</Button></Allowed>
      </PageHeader>
      {incidents.error && <ErrorState error={incidents.error} onRetry={() => void incidents.refetch()} />}
      {incidents.data && <Score data={incidents.data} />}
      <Stack gap="sm">
        <Title order={2} size="h4">Risk incidents</Title>
        {!incidents.error && <Incidents incidents={incidents.data?.incidents} onShow={show} />}
      </Stack>
      {devices.error ? (
        <ErrorState error={devices.error} onRetry={() => void devices.refetch()} />
      ) : (
        <RiskyDevices user={id} devices={devices.data?.items} more={Boolean(devices.data?.next_cursor)} />
      )}
      {incident && <IncidentDetails key={incident} id={incident} incidents={incidents.data?.incidents ?? []} onClose={() => show(undefined)} />}
      {notifying && <SendNotification key={version} user={{ id, name }} onClose={() => setNotifying(false)} />}
    </Stack>
  );
}

const COLOURS: Record<RiskLevel, string> = { high: 'red.7', medium: 'orange.6', low: 'yellow.5', advisory: 'blue.5', none: 'gray.5' };

function Score({ data: { score, incidents } }: { data: UserIncidents }) {
  const scores = useQuery(getSettingsOptions()).data?.settings.scores;
  const counting = incidents.filter((one) => one.score > 0);
  const outside = score - counting.reduce((sum, one) => sum + one.score, 0);
  const decay = scores?.daily_decay;
  return (
    <Paper withBorder p="md" component="div" role="group" aria-label="Risk score">
      <Group align="flex-start" gap="xl" wrap="wrap">
        <Stack gap={0}>
          <Text size="sm" c="dimmed">Risk score</Text>
          <Text fz={40} lh={1.2} fw={700}>{count(Math.round(score))}</Text>
        </Stack>
        <Stack gap="xs" style={{ flex: '1 1 320px' }}>
          <Text size="sm" fw={600}>How it came about</Text>
          {counting.length === 0 ? (
            <Text size="sm">No incident counts at the moment.</Text>
          ) : (
            <Progress.Root size={14} aria-hidden>
              {counting.map((one) => <Progress.Section key={one.threat_id} value={(100 * one.score) / score} color={COLOURS[one.severity]} />)}
            </Progress.Root>
          )}
          <Stack component="ul" gap={4} p={0} m={0} style={{ listStyle: 'none' }}>
            {counting.map((one) => (
              <Text component="li" size="sm" key={one.threat_id}>
                <b>+ {count(Math.round(one.score))}</b> {one.name} on {one.device.friendly_name}, {words(one.severity).toLowerCase()}, {categoryText(one)}
              </Text>
            ))}
            {outside >= 1 && <Text component="li" size="sm"><b>+ {count(Math.round(outside))}</b> on devices outside your organization groups</Text>}
          </Stack>
          {scores && (
            <Text size="sm" c="dimmed">
              A low incident counts {scores.low}, a medium one {scores.medium}, a high one {scores.high}. What was found on the device counts until it is resolved; what
              the user did fades{decay ? ` to ${Math.round(100 * decay)}\u00a0% a day` : ''} once it is over. <Link to="/settings" underline="always">Settings</Link>
            </Text>
          )}
        </Stack>
      </Group>
    </Paper>
  );
}

function Incidents({ incidents, onShow }: { incidents: UserIncident[] | undefined; onShow: (threat: string) => void }) {
  const open = incidents?.filter(({ status }) => status === 'open').length ?? 0;
  return (
    <>
      {incidents && incidents.length > 0 && <Text size="sm" c="dimmed">{counted(open, 'incident is', 'incidents are')} open{incidents.length > open && `, ${count(incidents.length - open)} over and fading`}.</Text>}
      <ShortTable
        label="Risk incidents"
        rows={incidents}
        idOf={({ threat_id }) => threat_id}
        columns={[
          {
            key: 'incident', title: 'Incident',
            render: (one) => <UnstyledButton aria-haspopup="dialog" aria-label={`${one.name} on ${one.device.friendly_name}`} onClick={() => onShow(one.threat_id)}><Text span size="sm" c="var(--mantine-color-anchor)">{one.name}</Text></UnstyledButton>,
          },
          { key: 'severity', title: 'Severity', render: ({ severity }) => <RiskBadge level={severity} /> },
          { key: 'score', title: 'Score', render: ({ score }) => count(Math.round(score)) },
          { key: 'status', title: 'Status', render: ({ status }) => <StatusBadge status={status} /> },
          { key: 'device', title: 'Device', render: ({ device }) => <DeviceLink id={device.id}>{device.friendly_name}</DeviceLink> },
          { key: 'family', title: 'Family', render: ({ family }) => (family ? words(family) : '–') },
          { key: 'category', title: 'About', render: ({ category }) => (category === 'behaviour' ? 'What the user did' : 'The device') },
          { key: 'first', title: 'First seen', render: ({ first_seen }) => <Time at={first_seen} /> },
          { key: 'dwell', title: 'Dwell time', render: ({ dwell_time }) => duration(dwell_time) },
        ]}
        empty={<EmptyState title="No incidents">Nothing is open on this user’s devices, and nothing is fading.</EmptyState>}
      />
    </>
  );
}
