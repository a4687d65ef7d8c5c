// The form of settings that are saved together, with the version they are based on: what is entered is lost neither by
// leaving nor to what others save meanwhile. It begins anew with each version, so give it that as its key.
import { Button, Group, Stack, Text } from '@mantine/core';
import type { UseFormReturnType } from '@mantine/form';
import { useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { useRights } from '../app/session';
import type { Problem } from '../lib/api';
import { showProblem } from './FormModal';
import { LeaveGuard } from './LeaveGuard';
import { ErrorState } from './states';
import { toastDone } from './toasts';

type Props<V extends Record<string, unknown>, A> = {
  /** What it sets, in the middle of a sentence and as said once it is saved. */
  what: string;
  saved: string;
  /** Where what is saved is kept. */
  queryKey: readonly unknown[];
  form: UseFormReturnType<V>;
  /** Asks the server; throws the problem. */
  put: (values: V) => Promise<A>;
  /** What else is to be done with the answer. */
  onSaved?: (answer: A) => void;
  children: ReactNode;
};

/** For those with the right to manage settings; others are told so and see the fields, which are to be disabled for them. */
export function SavedForm<V extends Record<string, unknown>, A>({ what, saved, queryKey, form, put, onSaved, children }: Props<V, A>) {
  const queries = useQueryClient();
  const mayManage = useRights()('manage_settings');
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem>();
  const dirty = form.isDirty();
  const save = async (values: V) => {
    setBusy(true);
    setProblem(undefined);
    try {
      const answer = await put(values);
      toastDone(saved);
      onSaved?.(answer);
      // With its new version the form begins anew.
      queries.setQueryData(queryKey, answer);
    } catch (error) {
      setProblem(showProblem(form, error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <form noValidate onSubmit={form.onSubmit((values) => void save(values))}>
      <LeaveGuard unsaved={dirty} />
      <Stack>
        {!mayManage && <Text size="sm" c="dimmed">Your role does not allow changing {what}; somebody with the right Manage settings can.</Text>}
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
  );
}
