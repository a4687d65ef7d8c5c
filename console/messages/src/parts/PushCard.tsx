// Turning notifications on: offered once as a card, kept at the end of the page.
import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { type PushState, pushState, turnOff, turnOn } from '../push';
import { Icon } from './Icon';
import { useKept, useView, useWords } from './shared';

/** Both places on the page show one state. */
let known: PushState | undefined;
const listeners = new Set<() => void>();

function usePush() {
  const [state, setState] = useState(known);
  const [turning, setTurning] = useState(false);
  const [failed, setFailed] = useState(false);
  useEffect(() => {
    const listener = () => setState(known);
    listeners.add(listener);
    const look = () => void pushState().then(show);
    look();
    // It may have been changed in the phone's settings.
    document.addEventListener('visibilitychange', look);
    return () => {
      listeners.delete(listener);
      document.removeEventListener('visibilitychange', look);
    };
  }, []);
  const turn = async (act: () => Promise<PushState>) => {
    setTurning(true);
    setFailed(false);
    try {
      show(await act());
    } catch {
      setFailed(true);
    }
    setTurning(false);
  };
  return { state, turning, failed, turn };
}

function show(state: PushState) {
  known = state;
  listeners.forEach((listener) => listener());
}

/** `otherwise` stands in its place where there is nothing to turn on. */
export function PushCard({ otherwise }: { otherwise: ComponentChildren }) {
  const { t } = useWords();
  const { online } = useView();
  const { state, turning, failed, turn } = usePush();
  const [later, setLater] = useKept('push_later');
  if (state === undefined || later === undefined) return null;
  if (later || (state !== 'off' && !turning)) return <>{otherwise}</>;
  const can = online && !turning;
  return (
    <section class="card" aria-labelledby="push">
      <h2 id="push">
        <Icon name="bell" />
        {t('push.title')}
      </h2>
      <p>{t('push.text')}</p>
      <p class="buttons">
        <button type="button" aria-disabled={!can} onClick={() => can && void turn(turnOn)}>{t('push.button')}</button>
        <button type="button" class="second" onClick={() => setLater(true)}>{t('install.later')}</button>
      </p>
      <p role="status">{turning ? t('push.turning') : failed ? t('push.failed') : ''}</p>
    </section>
  );
}

export function PushSetting() {
  const { t } = useWords();
  const { state, turning, failed, turn } = usePush();
  if (!state) return null;
  return (
    <>
      <p role="status">{turning ? t('push.turning') : failed ? t('push.failed') : t(`push.${state}`)}</p>
      {state === 'on' && <button type="button" class="second" onClick={() => !turning && void turn(turnOff)}>{t('push.turn_off')}</button>}
      {state === 'off' && <button type="button" class="second" onClick={() => !turning && void turn(turnOn)}>{t('push.turn_on')}</button>}
    </>
  );
}
