// Watches a threat on one device go round: found, rated, tagged, grouped, restricted, and lifted again.
import { Button, Group, Stack, Text, Timeline } from '@mantine/core';
import { IconCheck, IconClock } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { submitDetections, type ThreatStatus } from '../../api';
import { getDeviceTimelineOptions } from '../../api/@tanstack/react-query.gen';
import { useLive, useLiveState } from '../../app/live';
import { Allowed } from '../../app/session';
import { newKey } from '../../lib/api';
import { words } from '../../lib/words';
import { DeviceSelect } from '../../ui/DeviceSelect';
import { DeviceLink } from '../../ui/names';
import { EmptyState, ErrorState } from '../../ui/states';
import { Time } from '../../ui/Time';
import { toastDone, toastProblem } from '../../ui/toasts';
import { round } from './loop';

const POLL = 2_000;
const KIND = 'trojan';

export function Watch() {
  const { device } = useSearch({ from: '/shell/start' });
  const navigate = useNavigate();
  const watch = (id: string | undefined) => void navigate({ to: '.', search: ((now: object) => ({ ...now, device: id })) as never, replace: true });
  // Whatever happens first is shown, until somebody chooses.
  useLive((entry) => {
    if (!device && entry.device_id && entry.changes.some((change) => change.type === 'threat' && change.to === 'open')) watch(entry.device_id);
  });
  return (
    <Stack>
      <DeviceSelect placeholder="The first with a threat" maw={360} value={device} onChange={watch} />
      {device ? <Round key={device} device={device} /> : <Text size="sm" role="status">Waiting for the first threat on any device. Or choose a device and send a test detection.</Text>}
    </Stack>
  );
}

function Round({ device }: { device: string }) {
  const live = useLiveState() === 'live';
  const timeline = useQuery({ ...getDeviceTimelineOptions({ path: { id: device }, query: { limit: 100 } }), refetchInterval: live ? false : POLL });
  useLive((entry) => {
    if (entry.device_id === device) void timeline.refetch();
  });
  const [busy, setBusy] = useState(false);
  const say = async (status: ThreatStatus) => {
    setBusy(true);
    const detection = {
      event_id: newKey(), source: 'getting-started', device: { id: device }, threat_id: `test-${device}`, classification: KIND, status,
      detected_at: new Date().toISOString(),
    };
    try {
      const { data } = await submitDetections({ body: detection, throwOnError: true });
      const [refused] = data.rejected;
      if (refused) toastProblem({ title: 'The detection was refused', detail: refused.detail });
      else toastDone(status === 'open' ? 'A test detection was taken in' : 'The test threat is gone');
      await timeline.refetch();
    } catch (error) {
      toastProblem(error);
    } finally {
      setBusy(false);
    }
  };
  if (timeline.error) return <ErrorState error={timeline.error} onRetry={() => void timeline.refetch()} />;
  const stages = timeline.data && round(timeline.data.items);
  const last = stages?.map(({ at }) => Boolean(at)).lastIndexOf(true) ?? -1;
  return (
    <Stack>
      <Allowed right="ingest_detections">
        <Group>
          <Button loading={busy} onClick={() => void say('open')}>Send a test detection</Button>
          <Button variant="default" loading={busy} onClick={() => void say('resolved')}>Say that it is gone</Button>
        </Group>
      </Allowed>
      {timeline.data && !stages && <EmptyState title="No threat was found on this device yet" />}
      {stages && (
        <Timeline active={last} bulletSize={22} lineWidth={2} role="list" aria-label="What happened" aria-live="polite">
          {stages.map(({ title, waiting, at, what }) => (
            <Timeline.Item key={title} role="listitem" title={title} bullet={at ? <IconCheck size={13} aria-label="done" /> : <IconClock size={13} aria-label="not yet" />}>
              <Text size="sm" c={at ? undefined : 'dimmed'}>{at ? <>{title === 'Detected' ? words(what ?? '') : what} · <Time at={at} /></> : waiting}</Text>
            </Timeline.Item>
          ))}
        </Timeline>
      )}
      <Text size="sm"><DeviceLink id={device}>Open the device: everything about it, and why</DeviceLink></Text>
    </Stack>
  );
}
