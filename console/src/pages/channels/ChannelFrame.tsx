// What the form of every channel has around it: how the channel stands, saving, and trying it out.
import { Alert, Fieldset, Stack, Switch, Text } from '@mantine/core';
import type { UseFormReturnType } from '@mantine/form';
import { IconArchive, IconPlugX } from '@tabler/icons-react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import type { Transport } from '../../api';
import { listChannelsOptions, listChannelsQueryKey } from '../../api/@tanstack/react-query.gen';
import { useRights } from '../../app/session';
import { counted, words } from '../../lib/words';
import { SavedForm } from '../../ui/SavedForm';
import { Time } from '../../ui/Time';
import { CHANNELS } from './says';
import { TestChannel } from './TestChannel';

type Props<V extends Record<string, unknown>> = {
  channel: Transport;
  saved: { version: number; enabled: boolean };
  queryKey: readonly unknown[];
  form: UseFormReturnType<V>;
  /** Asks the server; throws the problem. */
  put: (values: V) => Promise<unknown>;
  children: ReactNode;
};

export function ChannelFrame<V extends Record<string, unknown> & { enabled: boolean }>({ channel, saved, queryKey, form, put, children }: Props<V>) {
  const queries = useQueryClient();
  const mayManage = useRights()('manage_settings');
  const summary = useQuery(listChannelsOptions()).data?.items.find((each) => each.channel === channel);
  const says = CHANNELS[channel];
  return (
    <Stack>
      {!saved.enabled && (
        <Alert color="yellow" icon={<IconArchive aria-hidden />} title={<Text span inherit c="var(--mantine-color-text)">{saved.version === 0 ? 'Not set up' : 'Off'}: {says.off}</Text>}>
          {says.meanwhile}
        </Alert>
      )}
      {summary?.provider && summary.provider.state !== 'ok' && (
        <Alert color="red" icon={<IconPlugX aria-hidden />} title={<Text span inherit c="var(--mantine-color-text)">{summary.provider.state === 'unreachable' ? 'Cannot be reached' : 'Cannot be used as it is set up'}</Text>}>
          Since <Time at={summary.provider.since} />: {summary.provider.answer}. Every {says.sends} waits, and is sent when that is over.
        </Alert>
      )}
      {summary !== undefined && summary.queued > 0 && (
        <Text size="sm" role="status">{counted(summary.queued, 'message')} waiting to be sent, the oldest made <Time at={summary.oldest_queued_at} />.</Text>
      )}
      <SavedForm
        what="channels" saved={`${words(channel)} saved`} queryKey={queryKey} form={form} put={put}
        onSaved={() => void queries.invalidateQueries({ queryKey: listChannelsQueryKey() })}
      >
        <Fieldset legend="Sending" disabled={!mayManage}>
          <Switch label={says.label} description={says.unless} {...form.getInputProps('enabled', { type: 'checkbox' })} />
          {form.errors.enabled && <Text size="sm" c="var(--mantine-color-error)">{form.errors.enabled}</Text>}
        </Fieldset>
        {children}
      </SavedForm>
      {mayManage && <TestChannel channel={channel} ready={saved.version > 0} unsaved={form.isDirty()} />}
    </Stack>
  );
}
