// The frame of the pages that are shown while nobody is signed in yet.
import { Card, Center, Stack, Text, Title } from '@mantine/core';
import { type ReactNode, useEffect } from 'react';

export function Frame({ title, description, children }: { title: string; description?: ReactNode; children: ReactNode }) {
  useEffect(() => {
    document.title = `${title} · Allclear`;
  }, [title]);
  return (
    <Center component="main" mih="100dvh" p="md" bg="light-dark(var(--mantine-color-gray-0), var(--mantine-color-dark-8))">
      <Card withBorder w={420} maw="100%" padding="lg">
        <Stack>
          <div>
            <Text fw={700} size="sm" c="dimmed">Allclear</Text>
            <Title order={1} size="h3">{title}</Title>
            {description && <Text size="sm" c="dimmed">{description}</Text>}
          </div>
          {children}
        </Stack>
      </Card>
    </Center>
  );
}
