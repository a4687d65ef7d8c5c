// Keeps the view up to date while the app is looked at: waits for changes, and tries again by itself after a loss.
import type { Phone } from './phone';

const pause = (ms: number, woken: EventTarget) =>
  new Promise<void>((resolve) => {
    const done = () => {
      clearTimeout(timer);
      woken.removeEventListener('wake', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    woken.addEventListener('wake', done);
  });

/** How long to wait before asking again after so many failures, in milliseconds; spread, so that phones do not ask all at once. */
export const delay = (failures: number, random = Math.random()) => Math.min(60_000, 1000 * 2 ** failures) * (0.5 + random / 2);

export function live(phone: Phone): void {
  const woken = new EventTarget();
  let waiting = new AbortController();
  const wake = () => {
    if (document.visibilityState !== 'visible') return waiting.abort();
    woken.dispatchEvent(new Event('wake'));
    void phone.refresh();
  };
  document.addEventListener('visibilitychange', wake);
  window.addEventListener('online', wake);
  window.addEventListener('offline', () => {
    waiting.abort();
    void phone.refresh();
  });
  // News by push.
  navigator.serviceWorker?.addEventListener('message', () => void phone.refresh());

  void (async () => {
    for (let failures = 0; ; ) {
      if (document.visibilityState !== 'visible' || phone.view.page !== 'ready') {
        await pause(30_000, woken);
        continue;
      }
      waiting = new AbortController();
      const answered = await phone.wait(waiting.signal);
      failures = answered ? 0 : failures + 1;
      // Also after an answer: a server that changes all the time is not asked all the time.
      await pause(answered ? 500 : delay(failures), woken);
      if (!answered && document.visibilityState === 'visible' && phone.view.page === 'ready') await phone.refresh();
    }
  })();
}
