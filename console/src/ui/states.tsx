// What a page shows when there is nothing, or something went wrong.
import { Alert, Button, Code, Group, Stack, Text, Title } from '@mantine/core';
import { IconAlertCircle } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { asProblem } from '../lib/api';

/** `children` says what to do next; `action` does it. */
export function EmptyState({ title, children, action }: { title: string; children?: ReactNode; action?: ReactNode }) {
  return (
    <Stack align="center" gap="xs" py="xl" ta="center">
      <Title order={2} size="h5">{title}</Title>
      {children && <Text size="sm" c="dimmed" maw={480} style={{ whiteSpace: 'normal' }}>{children}</Text>}
      {action}
    </Stack>
  );
}

export function ErrorState({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const problem = asProblem(error);
  return (
    <Alert role="alert" color="red" icon={<IconAlertCircle aria-hidden />} title={problem.title}>
      <Stack gap="xs" align="flex-start">
        <Text size="sm">{problem.detail}</Text>
        {problem.errors?.map((each) => <Text key={each.pointer + each.detail} size="sm"><Code>{each.pointer}</Code> {each.detail}</Text>)}
        <Group gap="sm">
          {onRetry && <Button size="xs" variant="default" onClick={onRetry}>Retry</Button>}
          {problem.instance && <Text size="xs" c="dimmed">Request <Code>{problem.instance}</Code></Text>}
        </Group>
      </Stack>
    </Alert>
  );
}
