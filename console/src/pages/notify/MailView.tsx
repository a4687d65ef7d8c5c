// A mail as its reader sees it: the words are the administrator's, the frame is the branding's.
import { Divider, Group, Paper, Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { getSettingsOptions } from '../../api/@tanstack/react-query.gen';

type Props = { to: string | null; subject: string; text: string };

export function MailView({ to, subject, text }: Props) {
  const branding = useQuery(getSettingsOptions()).data?.settings.branding;
  const paragraphs = text.split(/\n{2,}/).filter((paragraph) => paragraph.trim());
  return (
    <Paper withBorder p="md" role="group" aria-label="The mail">
      <Stack gap={4}>
        <Line name="From">
          {branding?.sender_name} {branding?.sender_address ? `<${branding.sender_address}>` : '(no sender address is set yet: see Settings)'}
        </Line>
        <Line name="To">{to ?? '–'}</Line>
        <Line name="Subject">{subject}</Line>
      </Stack>
      <Divider my="sm" size="md" color={branding?.accent_colour ?? undefined} />
      <Text size="sm" c="dimmed" mb="xs">{branding?.organisation_name || 'Your organisation'}</Text>
      <Title order={3} size="h4" mb="sm">{subject}</Title>
      {paragraphs.map((paragraph, at) => (
        <Text key={at} mb="sm" style={{ whiteSpace: 'pre-line', overflowWrap: 'anywhere' }}>{paragraph}</Text>
      ))}
    </Paper>
  );
}

function Line({ name, children }: { name: string; children: React.ReactNode }) {
  return (
    <Group gap="xs" wrap="nowrap" align="baseline">
      <Text size="sm" c="dimmed" w={64} style={{ flexShrink: 0 }}>{name}</Text>
      <Text size="sm" style={{ overflowWrap: 'anywhere' }}>{children}</Text>
    </Group>
  );
}
