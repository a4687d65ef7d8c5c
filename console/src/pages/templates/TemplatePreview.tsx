// The message a template makes, with made-up data or a user's, as the server makes it.
import { Paper, Skeleton, Stack, Text, Title } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { type Channel, previewNotificationTemplate, type TemplatePreviewAnswer, type TemplateTrigger } from '../../api';
import type { Problem } from '../../lib/api';
import { counted } from '../../lib/words';
import { ErrorState } from '../../ui/states';
import { UserSelect } from '../../ui/UserSelect';
import { MailView } from '../notify/MailView';

type Props = { of: { trigger: TemplateTrigger; channel: Channel; language: string }; draft: { subject: string; body: string; html: string | null } };

export function TemplatePreview({ of, draft }: Props) {
  const [user, setUser] = useState<string | null>(null);
  const asked = { ...of, body: draft.body, ...(of.channel === 'email' ? { subject: draft.subject, html: draft.html } : {}), user_id: user };
  // As text, so that what is the same is not waited for again.
  const [settled] = useDebouncedValue(JSON.stringify(asked), 400);
  const preview = useQuery<TemplatePreviewAnswer, Problem>({
    queryKey: ['previewNotificationTemplate', settled],
    queryFn: async ({ signal }) => (await previewNotificationTemplate({ body: JSON.parse(settled) as typeof asked, signal, throwOnError: true })).data,
    placeholderData: keepPreviousData,
    gcTime: 0,
  });
  const { data, error, refetch } = preview;
  return (
    <Stack gap="sm" component="section" aria-label="Preview">
      <Title order={2} size="h5">Preview</Title>
      <UserSelect label="With the data of" placeholder="A made-up person" clearable value={user} onChange={setUser} />
      {error?.errors ? (
        <Stack gap={4} role="status">
          {error.errors.map(({ pointer, detail }) => <Text key={pointer + detail} size="sm" c="var(--mantine-color-error)">{PARTS[pointer] ?? pointer}: {detail}</Text>)}
        </Stack>
      ) : error ? (
        <ErrorState error={error} onRetry={() => void refetch()} />
      ) : data ? (
        <Shown channel={of.channel} made={data} />
      ) : (
        <Skeleton h={240} />
      )}
    </Stack>
  );
}

const PARTS: Record<string, string> = { '/subject': 'Subject', '/body': 'Text', '/html': 'HTML' };

function Shown({ channel, made }: { channel: Channel; made: TemplatePreviewAnswer }) {
  if (channel === 'email') return <MailView from subject={made.subject ?? ''} text={made.text} html={made.html} />;
  return (
    <>
      <Paper withBorder p="md" role="group" aria-label="The message"><Text style={{ whiteSpace: 'pre-line', overflowWrap: 'anywhere' }}>{made.text}</Text></Paper>
      {made.length ? (
        <Text size="sm" role="status" c={made.length.fits ? 'dimmed' : 'var(--mantine-color-error)'}>
          {made.length.units} of {made.length.limit} characters{made.length.alphabet === 'ucs2' ? ': it holds characters outside the SMS alphabet, so there is less room' : ''}{made.length.fits ? '' : '. It does not fit.'}
        </Text>
      ) : (
        <Text size="sm" c="dimmed">{counted(made.characters, 'character')}</Text>
      )}
    </>
  );
}
