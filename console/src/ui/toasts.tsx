// Short messages at the top right; what can be undone offers it.
import { Button, Group, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { asProblem } from '../lib/api';

const UNDO_FOR = 10_000;

export function toastDone(message: string, undo?: () => Promise<unknown>) {
  const id = notifications.show({
    color: 'teal',
    autoClose: undo ? UNDO_FOR : 4_000,
    message: (
      <Group justify="space-between" wrap="nowrap">
        <Text size="sm" c="var(--mantine-color-text)">{message}</Text>
        {undo && (
          <Button
            size="compact-xs"
            variant="default"
            onClick={() => {
              notifications.hide(id);
              undo().catch(toastProblem);
            }}
          >
            Undo
          </Button>
        )}
      </Group>
    ),
  });
}

export function toastProblem(error: unknown) {
  const problem = asProblem(error);
  notifications.show({ color: 'red', autoClose: 10_000, title: problem.title, message: problem.detail });
}
