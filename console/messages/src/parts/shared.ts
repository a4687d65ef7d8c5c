// What every part uses: the phone, its view, and the words of the language chosen.
import { createContext } from 'preact';
import { useContext, useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Kept, Name } from '../kept';
import { language, type Language } from '../language';
import type { Phone, View } from '../phone';

export const Shared = createContext<{ phone: Phone; kept: Kept } | null>(null);

function useShared() {
  const shared = useContext(Shared);
  if (!shared) throw new Error('a part of the app stands outside it');
  return shared;
}

export const usePhone = () => useShared().phone;

export function useView(): View {
  const phone = usePhone();
  const [view, set] = useState(phone.view);
  useEffect(() => {
    // What changed between the first drawing and now.
    set(phone.view);
    return phone.subscribe(() => set(phone.view));
  }, [phone]);
  return view;
}

export function useWords(): Language {
  const { language: tag } = useView();
  return useMemo(() => language(tag), [tag]);
}

/** The time, every `seconds`. */
export function useNow(seconds: number): number {
  const [now, set] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => set(Date.now()), seconds * 1000);
    return () => clearInterval(timer);
  }, [seconds]);
  return now;
}

/** A yes that is kept; undefined until it is known. */
export function useKept(name: Extract<Name, 'install_later' | 'push_later'>): [boolean | undefined, (value: boolean) => void] {
  const { kept } = useShared();
  const [value, set] = useState<boolean>();
  useEffect(() => void kept.get(name).then((found) => set(found ?? false)), [kept, name]);
  const keep = (next: boolean) => {
    set(next);
    void kept.update(name, () => next);
  };
  return [value, keep];
}

/** How long something is looked at before it counts as seen, in milliseconds. */
const MOMENT = 1500;

/** Calls `seen` once when the element has been on the screen for a moment: half of it, or as much as fills half the screen. */
export function useSeen<E extends Element>(wanted: boolean, seen: () => void) {
  const ref = useRef<E>(null);
  const call = useRef(seen);
  call.current = seen;
  useEffect(() => {
    const element = ref.current;
    if (!wanted || !element) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let shown = false;
    const look = () => {
      clearTimeout(timer);
      timer = shown && document.visibilityState === 'visible' ? setTimeout(() => call.current(), MOMENT) : undefined;
    };
    const observer = new IntersectionObserver(
      ([...entries]) => {
        const entry = entries.pop();
        const now = entry !== undefined && (entry.intersectionRatio >= 0.5 || entry.intersectionRect.height >= innerHeight / 2);
        if (now !== shown) {
          shown = now;
          look();
        }
      },
      { threshold: [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.75, 1] },
    );
    observer.observe(element);
    document.addEventListener('visibilitychange', look);
    return () => {
      clearTimeout(timer);
      observer.disconnect();
      document.removeEventListener('visibilitychange', look);
    };
  }, [wanted]);
  return ref;
}
