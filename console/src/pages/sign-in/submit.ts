// A form that is a page of its own: busy while it is sent, the server's errors at their fields.
import type { UseFormReturnType } from '@mantine/form';
import { useState } from 'react';
import type { Problem } from '../../lib/api';
import { showProblem } from '../../ui/FormModal';

export function useSubmit<V extends Record<string, unknown>>(form: UseFormReturnType<V>, send: (values: V) => Promise<unknown>) {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem>();
  const submit = async (values: V) => {
    setBusy(true);
    setProblem(undefined);
    try {
      await send(values);
    } catch (error) {
      setProblem(showProblem(form, error));
    } finally {
      setBusy(false);
    }
  };
  return { busy, problem, onSubmit: form.onSubmit((values) => void submit(values)) };
}
