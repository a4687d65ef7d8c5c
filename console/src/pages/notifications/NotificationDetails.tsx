// One message: as it was sent, what became of it, and everything that was tried.
import { Button, Group, Skeleton, Stack, Text, Title } from '@mantine/core';
import { IconAlertTriangle, IconCheck, IconClock, IconHelpCircle, IconRefresh, IconX } from '@tabler/icons-react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { type NotificationAttempt, type NotificationWithPage, retryNotification } from '../../api';
import { getNotificationOptions, getNotificationQueryKey, listNotificationsQueryKey } from '../../api/@tanstack/react-query.gen';
import { Allowed } from '../../app/session';
import { useSubmit } from '../../lib/submit';
import { words } from '../../lib/words';
import { Badge, type Look, StatusBadge } from '../../ui/badges';
import { Drawer } from '../../ui/Modal';
import { Facts } from '../../ui/Section';
import { ErrorState } from '../../ui/states';
import { Time } from '../../ui/Time';
import { toastDone } from '../../ui/toasts';
import { MailView } from '../notify/MailView';
import { Recipient } from './Recipient';
import { TRIGGER } from './words';

const LOOK_AGAIN = 2_000;
const OUTCOMES: Record<string, Look> = {
  accepted: ['good', IconCheck],
  delivered: ['good', IconCheck],
  deferred: ['warn', IconClock],
  refused: ['bad', IconX],
  gone: ['bad', IconX],
  undelivered: ['serious', IconAlertTriangle],
};

export function NotificationDetails({ id, onClose }: { id: string; onClose: () => void }) {
  const { data, error, refetch } = useQuery({
    ...getNotificationOptions({ path: { id } }),
    refetchInterval: ({ state }) => (state.data?.state === 'queued' ? LOOK_AGAIN : false),
  });
  return (
    <Drawer opened onClose={onClose} title="Notification" position="right" size="lg" closeButtonProps={{ 'aria-label': 'Close details' }}>
      {error && <ErrorState error={error} onRetry={() => void refetch()} />}
      {!data && !error && <Skeleton h={200} />}
      {data && <Details of={data} />}
    </Drawer>
  );
}

function Details({ of: it }: { of: NotificationWithPage }) {
  return (
    <Stack>
      <Text size="sm">
        {words(it.channel)} to <Recipient of={it} />{it.address && `, ${it.address}`}. Made <Time at={it.created_at} /> by {it.created_by} ({TRIGGER[it.trigger]}).
      </Text>
      <div><StatusBadge status={it.state} /> <Text span size="sm">since <Time at={it.changed_at} /></Text></div>
      {it.reason && <Text size="sm" c="dimmed">{it.reason}</Text>}
      {it.state === 'failed' && <Allowed right="notify"><SendAgain id={it.id} /></Allowed>}
      {it.channel === 'email' && (it.html || it.body) ? (
        <MailView to={it.address} subject={it.subject ?? ''} text={it.body} html={it.html} />
      ) : (
        it.body && <Text style={{ whiteSpace: 'pre-line', overflowWrap: 'anywhere' }}>{it.body}</Text>
      )}
      <Title order={3} size="h6">Attempts</Title>
      {it.attempts.length === 0 ? (
        <Text size="sm" c="dimmed">{it.state === 'captured' ? 'None: the channel was not set up.' : 'None.'}</Text>
      ) : (
        <Stack component="ol" gap="sm" m={0} p={0} style={{ listStyle: 'none' }}>
          {it.attempts.map((attempt, at) => <Attempt key={at} of={attempt} />)}
        </Stack>
      )}
      <Facts
        facts={[
          ...(it.message_id ? [['Message id', it.message_id] as [string, string]] : []),
          ...(it.next_attempt_at ? [['Next attempt', <Time key="next" at={it.next_attempt_at} />] as [string, React.ReactNode]] : []),
          ...(it.state === 'queued' && it.expires_at ? [['Given up', <Time key="expires" at={it.expires_at} />] as [string, React.ReactNode]] : []),
        ]}
      />
    </Stack>
  );
}

function Attempt({ of: { at, provider, outcome, answer } }: { of: NotificationAttempt }) {
  return (
    <li>
      <Group gap="xs">
        <Badge look={OUTCOMES[outcome] ?? ['neutral', IconHelpCircle]} text={words(outcome)} />
        <Text size="sm" component="span"><Time at={at} /></Text>
        <Text size="sm" c="dimmed" component="span">{provider}</Text>
      </Group>
      <Text size="sm" ff="monospace" style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>{answer}</Text>
    </li>
  );
}

function SendAgain({ id }: { id: string }) {
  const queries = useQueryClient();
  const { busy, problem, submit } = useSubmit();
  const send = async () => {
    const queued = await submit(id, (key) => retryNotification({ path: { id }, headers: { 'Idempotency-Key': key }, throwOnError: true }));
    if (!queued) return;
    toastDone('It is sent again');
    await Promise.all([
      queries.invalidateQueries({ queryKey: getNotificationQueryKey({ path: { id } }) }),
      queries.invalidateQueries({ queryKey: listNotificationsQueryKey() }),
    ]);
  };
  return (
    <Stack gap="xs" align="flex-start">
      {problem && <ErrorState error={problem} />}
      <Button variant="default" loading={busy} leftSection={<IconRefresh size={16} aria-hidden />} onClick={() => void send()}>Send again</Button>
    </Stack>
  );
}
