// What the form of every channel has around it: how the channel stands, saving, and trying it out.
import { Alert, Button, Fieldset, Group, Stack, Switch, Text } from '@mantine/core';
import type { UseFormReturnType } from '@mantine/form';
import { IconArchive, IconPlugX } from '@tabler/icons-react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import type { Transport } from '../../api';
import { listChannelsOptions, listChannelsQueryKey } from '../../api/@tanstack/react-query.gen';
import { useRights } from '../../app/session';
import type { Problem } from '../../lib/api';
import { counted, words } from '../../lib/words';
import { showProblem } from '../../ui/FormModal';
import { LeaveGuard } from '../../ui/LeaveGuard';
import { ErrorState } from '../../ui/states';
import { Time } from '../../ui/Time';
import { toastDone } from '../../ui/toasts';
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
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem>();
  const summary = useQuery(listChannelsOptions()).data?.items.find((each) => each.channel === channel);
  const dirty = form.isDirty();
  const says = CHANNELS[channel];
  const save = async (values: V) => {
    setBusy(true);
    setProblem(undefined);
    try {
      const answer = await put(values);
      toastDone(`${words(channel)} saved`);
      void queries.invalidateQueries({ queryKey: listChannelsQueryKey() });
      // With its new version the form begins anew.
      queries.setQueryData(queryKey, answer);
    } catch (error) {
      setProblem(showProblem(form, error));
    } finally {
      setBusy(false);
    }
  };
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
      <form noValidate onSubmit={form.onSubmit((values) => void save(values))}>
        <LeaveGuard unsaved={dirty} />
        <Stack>
          {!mayManage && <Text size="sm" c="dimmed">Your role does not allow changing channels; somebody with the right Manage settings can.</Text>}
          <Fieldset legend="Sending" disabled={!mayManage}>
            <Switch label={says.label} description={says.unless} {...form.getInputProps('enabled', { type: 'checkbox' })} />
            {form.errors.enabled && <Text size="sm" c="var(--mantine-color-error)">{form.errors.enabled}</Text>}
          </Fieldset>
          {children}
          {problem && <ErrorState error={problem} />}
          {problem && [409, 412].includes(problem.status) && (
            <Group><Button variant="default" onClick={() => void queries.resetQueries({ queryKey })}>Discard mine and show what is saved</Button></Group>
          )}
          {mayManage && (
            <Group className="bottom-bar" justify="flex-end" pos="sticky" bottom={0} py="xs" style={{ zIndex: 1 }} bg="var(--mantine-color-body)">
              <Button variant="default" disabled={!dirty || busy} onClick={form.reset}>Discard</Button>
              <Button type="submit" loading={busy} disabled={!dirty}>Save</Button>
            </Group>
          )}
        </Stack>
      </form>
      {mayManage && <TestChannel channel={channel} ready={saved.version > 0} unsaved={dirty} />}
    </Stack>
  );
}
