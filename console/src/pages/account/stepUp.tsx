// What needs a password that was given in the last minutes: done at once, or after asking for it again.
import { PasswordInput, Text } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useQueryClient } from '@tanstack/react-query';
import { createContext, type ReactNode, useContext, useRef, useState } from 'react';
import { confirmPassword } from '../../api';
import { sessionOptions } from '../../app/session';
import { asProblem } from '../../lib/api';
import { FormModal } from '../../ui/FormModal';

type Run = <T>(action: () => Promise<T>) => Promise<T>;
const StepUp = createContext<Run>((action) => action());

/** Shown like a problem of the server. */
export class NotConfirmed extends Error {
  readonly title = 'Nothing was changed';
  readonly detail = 'This needs your password.';
}

/** Runs what may need the password; rejects with `NotConfirmed` if it is not given. */
export const useStepUp = () => useContext(StepUp);

const needsPassword = (error: unknown) => asProblem(error).type === '/problems/password-needed';

export function StepUpProvider({ children }: { children: ReactNode }) {
  const queries = useQueryClient();
  const [asking, setAsking] = useState(false);
  const answered = useRef<(confirmed: boolean) => void>(() => {});
  const run: Run = async (action) => {
    try {
      return await action();
    } catch (error) {
      if (!needsPassword(error)) throw error;
    }
    const confirmed = await new Promise<boolean>((resolve) => {
      answered.current = resolve;
      setAsking(true);
    });
    if (!confirmed) throw new NotConfirmed();
    return action();
  };
  const form = useForm({ initialValues: { password: '' }, validate: { password: (password) => (password ? null : 'Enter your password') } });
  const confirm = async ({ password }: { password: string }) => {
    await confirmPassword({ body: { password }, throwOnError: true });
    form.reset();
    answered.current(true);
    void queries.invalidateQueries({ queryKey: sessionOptions.queryKey });
  };
  return (
    <StepUp value={run}>
      {children}
      {asking && (
        <FormModal
          title="Your password, please"
          form={form}
          submitLabel="Continue"
          onSubmit={confirm}
          onClose={() => {
            setAsking(false);
            // After a right answer this changes nothing any more.
            answered.current(false);
            form.reset();
          }}
        >
          <Text size="sm">Changing how you sign in needs a password given in the last ten minutes.</Text>
          <PasswordInput label="Password" autoComplete="current-password" data-autofocus {...form.getInputProps('password')} />
        </FormModal>
      )}
    </StepUp>
  );
}
