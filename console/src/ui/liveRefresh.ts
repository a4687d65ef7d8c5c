// Numbers that follow what happens, in place. Rows of long lists do not: those get `LivePill`.
import { useEffect, useRef } from 'react';
import type { Entry } from '../api';
import { useLive, useLiveState } from '../app/live';

const PAUSE = 3_000;
/** How often to ask without the live stream. */
const POLL = 30_000;

/** Calls `refresh` soon after an entry that `concerns` accepts, at most every three seconds; without the stream now and then. */
export function useLiveRefresh(refresh: () => unknown, concerns: (entry: Entry) => boolean, paused = false) {
  const live = useLiveState() === 'live';
  const latest = useRef(refresh);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => {
    latest.current = refresh;
  });
  useLive((entry) => {
    if (paused || timer.current || !concerns(entry)) return;
    timer.current = setTimeout(() => {
      timer.current = undefined;
      latest.current();
    }, PAUSE);
  });
  useEffect(() => () => clearTimeout(timer.current), []);
  useEffect(() => {
    if (live || paused) return;
    const poll = setInterval(() => latest.current(), POLL);
    return () => clearInterval(poll);
  }, [live, paused]);
}
