// A form in a dialog. What the server finds wrong with a field is shown at that field.
import { Button, Group, type ModalProps, Stack } from '@mantine/core';
import type { UseFormReturnType } from '@mantine/form';
import { type ReactNode, useRef, useState } from 'react';
import { asProblem, newKey, type Problem } from '../lib/api';
import { Modal } from './Modal';
import { ErrorState } from './states';

/** `/names/0` → `names.0`, the way the form names its fields. */
const fieldOf = (pointer: string) => pointer.replace(/^\//, '').replaceAll('/', '.');

/** Puts the problem's errors on the fields; gives back what belongs to no field, if anything does. */
export function showProblem<V extends Record<string, unknown>>(form: UseFormReturnType<V>, error: unknown): Problem | undefined {
  const problem = asProblem(error);
  const values = form.getValues();
  const rest = (problem.errors ?? []).filter(({ pointer, detail }) => {
    const field = fieldOf(pointer);
    const known = (field.split('.')[0] ?? '') in values;
    if (known) form.setFieldError(field, detail);
    return !known;
  });
  return problem.errors?.length && rest.length === 0 ? undefined : { ...problem, errors: rest };
}

type Props<V extends Record<string, unknown>> = {
  title: string;
  form: UseFormReturnType<V>;
  submitLabel: string;
  /** Resolves when done, throws the problem otherwise. `key` is the `Idempotency-Key` for these values. */
  onSubmit: (values: V, key: string) => Promise<unknown>;
  onClose: () => void;
  size?: ModalProps['size'];
  /** What cannot be undone is done by a red button. */
  grave?: boolean;
  children: ReactNode;
};

/** Render it while it is open. It closes itself once `onSubmit` has succeeded. */
export function FormModal<V extends Record<string, unknown>>({ title, form, submitLabel, onSubmit, onClose, size, grave, children }: Props<V>) {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem>();
  // Sent again unchanged after a lost answer, the same values must not be carried out twice.
  const sent = useRef({ values: '', key: '' });
  const submit = async (values: V) => {
    const text = JSON.stringify(values);
    if (sent.current.values !== text) sent.current = { values: text, key: newKey() };
    setBusy(true);
    setProblem(undefined);
    try {
      await onSubmit(values, sent.current.key);
      onClose();
    } catch (error) {
      setProblem(showProblem(form, error));
      setBusy(false);
    }
  };
  return (
    <Modal opened onClose={onClose} title={title} size={size}>
      <form noValidate onSubmit={form.onSubmit((values) => void submit(values))}>
        <Stack>
          {problem && <ErrorState error={problem} />}
          {children}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>Cancel</Button>
            <Button type="submit" loading={busy} color={grave ? 'red' : undefined}>{submitLabel}</Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
