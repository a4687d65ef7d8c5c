// A command or a file to take away.
import { Button, Code, CopyButton, Group, Stack, Text } from '@mantine/core';
import { IconCheck, IconCopy } from '@tabler/icons-react';

// Browsers offer the clipboard only over HTTPS and on this computer.
const canCopy = 'clipboard' in navigator;

export function Command({ label, children }: { label: string; children: string }) {
  return (
    <Stack gap={4}>
      <Group justify="space-between">
        <Text size="sm" fw={600}>{label}</Text>
        {canCopy && (
          <CopyButton value={children}>
            {({ copied, copy }) => (
              <Button size="compact-xs" variant="default" leftSection={copied ? <IconCheck size={14} aria-hidden /> : <IconCopy size={14} aria-hidden />} aria-label={`${copied ? 'Copied' : 'Copy'}: ${label}`} onClick={copy}>
                {copied ? 'Copied' : 'Copy'}
              </Button>
            )}
          </CopyButton>
        )}
      </Group>
      <Code block tabIndex={0} role="region" aria-label={label}>{children}</Code>
    </Stack>
  );
}
