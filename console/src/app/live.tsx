// What happens on the server, as it happens: one stream for the tab, resumed after the last entry seen.
import { createContext, type ReactNode, useContext, useEffect, useMemo, useRef, useState } from 'react';
import { type Entry, followJournal } from '../api';
import { watchSession } from '../lib/api';
import { queryClient } from './queries';
import { useRights } from './session';

export type LiveState = 'live' | 'reconnecting' | 'off';
type Listener = (entry: Entry) => void;
type Live = { state: LiveState; subscribe: (listener: Listener) => () => void };

const LiveContext = createContext<Live>({ state: 'off', subscribe: () => () => {} });

// The server sends a comment every 15 seconds; after three missing ones the connection is taken for dead.
const SILENCE = 45_000;
const LONGEST_WAIT = 15_000;

const wait = (ms: number, signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, ms);
    const now = () => {
      clearTimeout(timer);
      resolve();
    };
    signal.addEventListener('abort', now, { once: true });
    addEventListener('online', now, { once: true });
  });

async function follow(stop: AbortSignal, onState: (state: LiveState) => void, onEntry: Listener) {
  let last: number | undefined;
  let failures = 0;
  while (!stop.aborted) {
    const connection = new AbortController();
    const end = () => connection.abort();
    stop.addEventListener('abort', end, { once: true });
    addEventListener('offline', end, { once: true });
    let watchdog = setTimeout(end, SILENCE);
    const alive = () => {
      clearTimeout(watchdog);
      watchdog = setTimeout(end, SILENCE);
    };
    const { stream } = await followJournal({
      headers: last === undefined ? undefined : { 'last-event-id': last },
      signal: connection.signal,
      // Only one attempt each: the generated client neither resumes after an orderly end nor notices silence.
      sseMaxRetryAttempts: 1,
      onSseEvent: ({ id }) => {
        alive();
        if (id) last = Number(id);
      },
      fetch: async (request) => {
        // Streams do not pass the client's own watch over answers.
        const response = watchSession(await fetch(request));
        if (response.ok) {
          failures = 0;
          onState('live');
        }
        return response;
      },
    });
    for await (const data of stream) {
      onEntry(data as unknown as Entry);
    }
    clearTimeout(watchdog);
    stop.removeEventListener('abort', end);
    removeEventListener('offline', end);
    if (stop.aborted) return;
    onState('reconnecting');
    await wait(Math.min(1000 * 2 ** failures++, LONGEST_WAIT), stop);
  }
}

export function LiveProvider({ customer, children }: { customer: string | undefined; children: ReactNode }) {
  const allowed = useRights()('view');
  const [state, setState] = useState<LiveState>('off');
  const listeners = useRef(new Set<Listener>());
  useEffect(() => {
    if (!allowed) return;
    const stop = new AbortController();
    void follow(stop.signal, setState, (entry) => {
      // A page opened from now on asks anew; what is on show stays until it is refreshed.
      void queryClient.invalidateQueries({ refetchType: 'none' });
      for (const listener of listeners.current) listener(entry);
    });
    return () => stop.abort();
  }, [allowed, customer]);
  const live = useMemo<Live>(
    () => ({
      state,
      subscribe: (listener) => {
        listeners.current.add(listener);
        return () => void listeners.current.delete(listener);
      },
    }),
    [state],
  );
  return <LiveContext value={live}>{children}</LiveContext>;
}

/** Whether the stream stands; `off` before it first did, and without the right to follow it. */
export const useLiveState = () => useContext(LiveContext).state;

/** Calls `listener` with every entry of the journal from now on. */
export function useLive(listener: Listener) {
  const { subscribe } = useContext(LiveContext);
  const latest = useRef(listener);
  useEffect(() => {
    latest.current = listener;
  });
  useEffect(() => subscribe((entry) => latest.current(entry)), [subscribe]);
}

/** How many entries that `concerns` accepts have come since `since` (milliseconds, a query's `dataUpdatedAt`). */
export function useNews(since: number, concerns: (entry: Entry) => boolean): number {
  const [news, setNews] = useState({ since, entries: 0 });
  useLive((entry) => {
    if (concerns(entry)) setNews((now) => ({ since, entries: (now.since === since ? now.entries : 0) + 1 }));
  });
  return news.since === since ? news.entries : 0;
}
