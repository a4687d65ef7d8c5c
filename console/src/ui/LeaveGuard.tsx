// Asks before a page with unsaved changes is left.
import { Button, Group, Stack, Text } from '@mantine/core';
import { useBlocker } from '@tanstack/react-router';
import { Modal } from './Modal';

/** Changes of the address within the page, such as its tab, are no leaving. */
export function LeaveGuard({ unsaved }: { unsaved: boolean }) {
  const { status, proceed, reset } = useBlocker({
    shouldBlockFn: ({ current, next }) => unsaved && current.pathname !== next.pathname,
    enableBeforeUnload: unsaved,
    withResolver: true,
  });
  if (status !== 'blocked') return null;
  return (
    <Modal opened onClose={reset} title="Leave without saving?">
      <Stack>
        <Text size="sm">What you have changed here is not saved.</Text>
        <Group justify="flex-end">
          <Button variant="default" onClick={reset} data-autofocus>Stay</Button>
          <Button color="red" onClick={proceed}>Leave without saving</Button>
        </Group>
      </Stack>
    </Modal>
  );
}
