// What became of notifications that were just made; their states follow the server until they are settled.
import { Group, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { Notification } from '../../api';
import { getNotificationOptions } from '../../api/@tanstack/react-query.gen';
import { words } from '../../lib/words';
import { StatusBadge } from '../../ui/badges';

const LOOK_AGAIN = 2_000;
const settled = (state: Notification['state']) => state !== 'queued' && state !== 'sent';

export function Outcome({ notification }: { notification: Notification }) {
  const { data } = useQuery({
    ...getNotificationOptions({ path: { id: notification.id } }),
    enabled: !settled(notification.state),
    refetchInterval: ({ state }) => (state.data && settled(state.data.state) ? false : LOOK_AGAIN),
  });
  const { channel, recipient, address, state, reason } = data ?? notification;
  return (
    <Group justify="space-between" gap="xs" align="flex-start">
      <Stack gap={0}>
        <Text size="sm" fw={600}>{words(channel)} to {address ?? recipient}</Text>
        {reason && <Text size="sm" c="dimmed">{reason}</Text>}
      </Stack>
      <StatusBadge status={state} />
    </Group>
  );
}
