// What happened to a device, newest first.
import { Button, Group, Stack, Text, Timeline } from '@mantine/core';
import {
  IconArrowsExchange, IconBuilding, IconCpu, IconDeviceMobile, IconPlug, IconUser,
} from '@tabler/icons-react';
import { useInfiniteQuery } from '@tanstack/react-query';
import type { ActorKind, Entry } from '../../api';
import { getDeviceTimelineInfiniteOptions } from '../../api/@tanstack/react-query.gen';
import { words } from '../../lib/words';
import { ChangeText } from '../../ui/ChangeText';
import { LivePill } from '../../ui/LivePill';
import { Loading } from '../../ui/Loading';
import { EmptyState, ErrorState } from '../../ui/states';
import { Time } from '../../ui/Time';

const ICONS: Record<ActorKind, typeof IconPlug> = {
  source: IconPlug, administrator: IconUser, device: IconDeviceMobile, engine: IconCpu, operator: IconBuilding,
};

export function DeviceTimeline({ id }: { id: string }) {
  const query = useInfiniteQuery({
    ...getDeviceTimelineInfiniteOptions({ path: { id } }),
    initialPageParam: { path: { id } },
    getNextPageParam: (last) => last.next_cursor ?? undefined,
  });
  const { data, error, refetch } = query;
  if (!data) return error ? <ErrorState error={error} onRetry={() => void refetch()} /> : <Loading />;
  const entries = data.pages.flatMap(({ items }) => items);
  if (entries.length === 0) return <EmptyState title="Nothing has happened yet">Whatever changes about this device appears here.</EmptyState>;
  return (
    <Stack gap="sm">
      <LivePill query={query} concerns={(entry) => entry.device_id === id} />
      {error && <ErrorState error={error} onRetry={() => void refetch()} />}
      <Timeline bulletSize={24} lineWidth={2} active={-1} aria-label="Timeline">
        {entries.map((entry) => <Step key={entry.position} entry={entry} />)}
      </Timeline>
      <Group>
        {query.hasNextPage ? (
          <Button variant="default" loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>Show earlier</Button>
        ) : (
          <Text size="sm" c="dimmed">That is all.</Text>
        )}
      </Group>
    </Stack>
  );
}

function Step({ entry }: { entry: Entry }) {
  const Icon = ICONS[entry.actor.kind] ?? IconArrowsExchange;
  return (
    <Timeline.Item bullet={<Icon size={14} aria-hidden />} title={<Text size="sm" c="dimmed"><Time at={entry.at} /> · {words(entry.actor.kind)} {entry.actor.name}</Text>}>
      {entry.changes.map((change, i) => <Text key={i} size="sm" component="div" py={2}><ChangeText change={change} /></Text>)}
    </Timeline.Item>
  );
}
