// Asks before what cannot be undone: shows the effect, and for the gravest wants a word typed.
import { Button, Group, Stack, TextInput } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import { Modal } from './Modal';
import { ErrorState } from './states';

type Props = {
  title: string;
  /** What it would do: how many, which, and that it is for good. */
  children: ReactNode;
  confirmLabel: string;
  /** What has to be typed, as a rule the thing's name. */
  typed?: string;
  onConfirm: () => Promise<unknown>;
  onClose: () => void;
};

/** Render it while it is open. It closes itself once `onConfirm` has succeeded. */
export function ConfirmModal({ title, children, confirmLabel, typed, onConfirm, onClose }: Props) {
  const [text, setText] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const confirm = async () => {
    setBusy(true);
    try {
      await onConfirm();
      onClose();
    } catch (problem) {
      setError(problem);
      setBusy(false);
    }
  };
  return (
    <Modal opened onClose={onClose} title={title}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void confirm();
        }}
      >
        <Stack>
          {children}
          {typed !== undefined && (
            <TextInput label={`Type “${typed}” to confirm`} data-autofocus autoComplete="off" value={text} onChange={(event) => setText(event.currentTarget.value)} />
          )}
          {error !== undefined && <ErrorState error={error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>Cancel</Button>
            <Button type="submit" color="red" loading={busy} disabled={typed !== undefined && text !== typed}>{confirmLabel}</Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
