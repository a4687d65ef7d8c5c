// How far a job has come; follows it until it is done.
import { Progress, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { Job } from '../api';
import { getJobOptions } from '../api/@tanstack/react-query.gen';
import { count } from '../lib/words';

const POLL = 1_000;

export function useJob(id: string | undefined, known?: Job) {
  return useQuery({
    ...getJobOptions({ path: { id: id ?? '' } }),
    enabled: Boolean(id) && known?.state !== 'done',
    initialData: known,
    refetchInterval: (query) => (query.state.data?.state === 'done' ? false : POLL),
  });
}

/** `known` spares the first request. */
export function JobProgress({ id, known }: { id: string; known?: Job }) {
  const { data: job } = useJob(id, known);
  const done = job?.state === 'done';
  // The total is an estimate made at the start.
  const share = done ? 100 : job && job.total > 0 ? Math.min(99, (100 * job.done) / job.total) : 0;
  return (
    <Stack gap={2} miw={140}>
      <Progress value={share} animated={!done} color={done ? 'teal' : undefined} aria-label={job ? `Progress of ${job.reason}` : 'Progress'} />
      <Text size="xs" c="dimmed" role="status">
        {!job ? 'Starting…' : done ? `${count(job.done)} re-evaluated, ${count(job.changed)} changed` : `${count(job.done)} of about ${count(job.total)}, ${count(job.changed)} changed`}
      </Text>
    </Stack>
  );
}
