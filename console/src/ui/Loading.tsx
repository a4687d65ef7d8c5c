// Stands for a page or a part of one until its data has come.
import { Skeleton, Stack, VisuallyHidden } from '@mantine/core';

export function Loading({ rows = 5 }: { rows?: number }) {
  return (
    <Stack gap="xs" role="status">
      <VisuallyHidden>Loading</VisuallyHidden>
      {Array.from({ length: rows }, (_, i) => <Skeleton key={i} h={i === 0 ? 32 : 64} />)}
    </Stack>
  );
}
