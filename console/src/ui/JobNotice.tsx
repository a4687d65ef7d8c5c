// The re-evaluation a change has started, followed until it is done.
import { Alert } from '@mantine/core';
import { useEffect, useEffectEvent } from 'react';
import { JobProgress, useJob } from './JobProgress';

type Props = { id: string; onDone?: () => void; onClose: () => void };

export function JobNotice({ id, onDone, onClose }: Props) {
  const done = useJob(id).data?.state === 'done';
  const finished = useEffectEvent(() => onDone?.());
  useEffect(() => {
    if (done) finished();
  }, [done]);
  return (
    <Alert color={done ? 'teal' : 'blue'} title={done ? 'All devices concerned are re-evaluated' : 'Re-evaluating the devices concerned'} withCloseButton closeButtonLabel="Close" onClose={onClose}>
      <JobProgress id={id} />
    </Alert>
  );
}
