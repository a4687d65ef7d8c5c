// Does at once what can be undone, and offers to undo it.
import { toastDone, toastProblem } from './toasts';

type Act = () => Promise<unknown>;

/** `done` says what was done; `refresh` fetches anew what it changed. */
export async function reversible(done: string, act: Act, undo: Act, refresh: Act) {
  try {
    await act();
    toastDone(done, async () => {
      await undo();
      await refresh();
    });
    await refresh();
  } catch (error) {
    toastProblem(error);
  }
}
