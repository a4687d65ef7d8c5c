// Where somebody is signed in; each session can be ended.
import { Badge, Button, Group, Skeleton, Stack, Text } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { endSession, type Session } from '../../api';
import { listSessionsOptions, listSessionsQueryKey } from '../../api/@tanstack/react-query.gen';
import { words } from '../../lib/words';
import { ErrorState } from '../../ui/states';
import { Time } from '../../ui/Time';
import { toastDone, toastProblem } from '../../ui/toasts';
import { browser } from './browser';

/** `adminId`: another administrator's; left out: one's own. */
export function SessionList({ adminId }: { adminId?: string }) {
  const queries = useQueryClient();
  const query = useQuery({ ...listSessionsOptions({ query: { admin_id: adminId } }), staleTime: 0 });
  const end = async (session: Session) => {
    try {
      await endSession({ path: { id: session.id }, throwOnError: true });
      toastDone('Session ended');
    } catch (error) {
      toastProblem(error);
    }
    await queries.invalidateQueries({ queryKey: listSessionsQueryKey() });
  };
  if (query.error) return <ErrorState error={query.error} onRetry={() => void query.refetch()} />;
  if (!query.data) return <Skeleton h={60} />;
  if (query.data.items.length === 0) return <Text size="sm">Not signed in anywhere.</Text>;
  return (
    <Stack component="ul" gap="xs" p={0} m={0} style={{ listStyle: 'none' }} aria-label="Sessions">
      {query.data.items.map((session) => (
        <Group component="li" key={session.id} justify="space-between" wrap="nowrap">
          <div>
            <Text size="sm"><b>{browser(session.user_agent)}</b> {session.current && <Badge variant="outline" size="sm" tt="none">This one</Badge>}</Text>
            <Text size="xs" c="dimmed">
              From {session.address ?? 'an unknown address'}, since <Time at={session.created_at} />, last used <Time at={session.last_seen_at} />
              {session.second_factor !== 'none' && <>, second factor: {words(session.second_factor).toLowerCase()}</>}
            </Text>
          </div>
          {!session.current && <Button size="xs" variant="default" aria-label={`End the session of ${browser(session.user_agent)} from ${session.address ?? 'an unknown address'}`} onClick={() => void end(session)}>End</Button>}
        </Group>
      ))}
    </Stack>
  );
}
