// A mail as its reader sees it: its head, and its page as the server made it.
import { Divider, Group, Paper, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { getNonce } from 'get-nonce';
import { type ReactNode, useMemo } from 'react';
import { getSettingsOptions } from '../../api/@tanstack/react-query.gen';
import { logoOptions } from '../../app/logo';
import { mailPage } from '../../lib/mailPage';

type Props = {
  /** Where it is known: whom it is from is what the branding says now. */
  from?: boolean;
  to?: string | null;
  subject: string;
  text: string;
  /** The page; without one the text is shown. */
  html: string | null;
};

export function MailView({ from, to, subject, text, html }: Props) {
  return (
    <Paper withBorder p="md" role="group" aria-label="The mail">
      <Stack gap={4}>
        {from && <Line name="From"><Sender /></Line>}
        {to !== undefined && <Line name="To">{to ?? '–'}</Line>}
        <Line name="Subject">{subject}</Line>
      </Stack>
      <Divider my="sm" />
      {html ? <Page html={html} /> : <Text style={{ whiteSpace: 'pre-line', overflowWrap: 'anywhere' }}>{text}</Text>}
    </Paper>
  );
}

function Page({ html }: { html: string }) {
  const logo = useQuery({ ...logoOptions, enabled: html.includes('cid:logo') }).data;
  const page = useMemo(() => mailPage(html, getNonce(), logo?.address), [html, logo]);
  return <iframe title="The mail’s page" sandbox="" srcDoc={page} className="mail-page" />;
}

function Sender() {
  const branding = useQuery(getSettingsOptions()).data?.settings.branding;
  return <>{branding?.sender_name} {branding?.sender_address ? `<${branding.sender_address}>` : '(no sender address is set yet: see Settings)'}</>;
}

function Line({ name, children }: { name: string; children: ReactNode }) {
  return (
    <Group gap="xs" wrap="nowrap" align="baseline">
      <Text size="sm" c="dimmed" w={64} style={{ flexShrink: 0 }}>{name}</Text>
      <Text size="sm" style={{ overflowWrap: 'anywhere' }}>{children}</Text>
    </Group>
  );
}
