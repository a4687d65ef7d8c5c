// Sends the failed messages that the filter names again, after saying how many they are.
import { Alert, Button, Skeleton, Stack, Text } from '@mantine/core';
import { IconRefresh } from '@tabler/icons-react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { listNotifications, type RetryRequest, retryNotifications } from '../../api';
import { listNotificationsQueryKey } from '../../api/@tanstack/react-query.gen';
import { useScope } from '../../app/scope';
import { allItems, newKey } from '../../lib/api';
import { counted, words } from '../../lib/words';
import { ConfirmModal } from '../../ui/ConfirmModal';
import { useUserName } from '../../ui/names';
import { ErrorState } from '../../ui/states';
import { toastDone } from '../../ui/toasts';
import { TRIGGER } from './words';

type Filter = { [K in keyof RetryRequest]?: NonNullable<RetryRequest[K]> };

async function countFailed(filter: Filter): Promise<number> {
  let found = 0;
  const pages = allItems((cursor) => listNotifications({ query: { ...filter, state: 'failed', limit: 500, cursor }, throwOnError: true }));
  for await (const items of pages) found += items.length;
  return found;
}

/** The server takes so many at a time; what it leaves, such as what has no channel set up, is not asked for for ever. */
async function sendAll(filter: Filter): Promise<number> {
  let sent = 0;
  for (;;) {
    const { data } = await retryNotifications({ body: filter, headers: { 'Idempotency-Key': newKey() }, throwOnError: true });
    sent += data.queued;
    if (!data.more || data.queued === 0) return sent;
  }
}

/** `byDevice`: the list is narrowed to a device, which sending again cannot be. */
export function SendAllAgain({ filter, byDevice }: { filter: Filter; byDevice: boolean }) {
  const [open, setOpen] = useState(false);
  return (
    <>
      <Button variant="default" disabled={byDevice} title={byDevice ? 'Take the filter by device away first' : undefined} leftSection={<IconRefresh size={16} aria-hidden />} onClick={() => setOpen(true)}>
        Send all again
      </Button>
      {open && <Ask filter={filter} onClose={() => setOpen(false)} />}
    </>
  );
}

function Ask({ filter, onClose }: { filter: Filter; onClose: () => void }) {
  const queries = useQueryClient();
  const { og } = useScope();
  const user = useUserName(filter.user_id ?? null);
  const failed = useQuery({ queryKey: [...listNotificationsQueryKey(), 'failed', filter], queryFn: () => countFailed(filter), staleTime: 0, gcTime: 0 });
  const narrowed = [
    filter.channel && words(filter.channel),
    filter.trigger && TRIGGER[filter.trigger],
    filter.user_id && `to ${user ?? '…'}`,
    filter.since && `made since ${filter.since.slice(0, 10)}`,
  ].filter(Boolean);
  const confirm = async () => {
    const sent = await sendAll(filter);
    toastDone(sent === failed.data ? `${counted(sent, 'message')} sent again` : `${counted(sent, 'message')} sent again; the others’ channel is not set up`);
    await queries.invalidateQueries({ queryKey: listNotificationsQueryKey() });
  };
  if (failed.data === undefined || failed.data === 0) {
    return (
      <ConfirmModal title="Send all again" confirmLabel="Close" onConfirm={async () => undefined} onClose={onClose}>
        {failed.error ? <ErrorState error={failed.error} onRetry={() => void failed.refetch()} /> : failed.data === 0 ? <Text>Nothing that failed matches these filters.</Text> : <Skeleton h={40} aria-busy />}
      </ConfirmModal>
    );
  }
  return (
    <ConfirmModal title="Send all again" confirmLabel={`Send ${counted(failed.data, 'message')}`} onConfirm={confirm} onClose={onClose}>
      <Stack gap="xs">
        <Text><b>{counted(failed.data, 'failed message')}</b>{narrowed.length > 0 && ` (${narrowed.join(', ')})`} will be tried again, the oldest first. Those whose channel is not set up stay as they are.</Text>
        {og && <Alert color="yellow">The organization group chosen above does not narrow this: it holds for all that you may see.</Alert>}
      </Stack>
    </ConfirmModal>
  );
}
