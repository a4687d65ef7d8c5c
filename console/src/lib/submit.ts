// Saving from a page: one request at a time, sent again without being carried out twice, errors by JSON pointer.
import { useRef, useState } from 'react';
import { asProblem, newKey, type Problem } from './api';

export type ErrorAt = (pointer: string) => string | undefined;

export function useSubmit() {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem>();
  const sent = useRef({ values: '', key: '' });
  /** Does `action`; undefined if it failed, and then `problem` says why. The same `values` get the same key. */
  const submit = async <T>(values: unknown, action: (key: string) => Promise<T>): Promise<T | undefined> => {
    const text = JSON.stringify(values);
    if (sent.current.values !== text) sent.current = { values: text, key: newKey() };
    setBusy(true);
    setProblem(undefined);
    try {
      const answer = await action(sent.current.key);
      sent.current = { values: '', key: '' };
      return answer;
    } catch (error) {
      setProblem(asProblem(error));
      return undefined;
    } finally {
      setBusy(false);
    }
  };
  /** What the last answer found wrong there. */
  const errorAt: ErrorAt = (pointer) =>
    problem?.errors?.filter((each) => each.pointer === pointer).map((each) => each.detail).join('; ') || undefined;
  return { busy, problem, errorAt, submit, forget: () => setProblem(undefined) };
}
