// A titled part of a page, and facts in pairs.
import { Card, Group, Stack, Text, Title } from '@mantine/core';
import { Fragment, type ReactNode, useId } from 'react';

export function Section({ title, actions, children }: { title: string; actions?: ReactNode; children: ReactNode }) {
  const id = useId();
  return (
    <Card component="section" aria-labelledby={id} withBorder padding="md">
      <Stack gap="sm">
        <Group justify="space-between" gap="xs">
          <Title order={2} size="h5" id={id}>{title}</Title>
          {actions}
        </Group>
        {children}
      </Stack>
    </Card>
  );
}

export function Facts({ facts }: { facts: [label: string, value: ReactNode][] }) {
  return (
    <dl className="facts">
      {facts.map(([label, value]) => (
        <Fragment key={label}>
          <Text component="dt" size="sm" c="dimmed">{label}</Text>
          <Text component="dd" size="sm" m={0} style={{ overflowWrap: 'anywhere' }}>{value ?? '–'}</Text>
        </Fragment>
      ))}
    </dl>
  );
}
