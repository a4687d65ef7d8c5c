// The whole page: how the phone stands first, then what to do about it, then what was said.
import { useEffect } from 'preact/hooks';
import { paint } from '../accent';
import { glance, toDo } from '../glance';
import { nameManifest } from '../install';
import type { Kept, Snapshot } from '../kept';
import type { Phone } from '../phone';
import { Glance } from './Glance';
import { Icon } from './Icon';
import { Install } from './Install';
import { Messages } from './Messages';
import { PushCard } from './PushCard';
import { Settings } from './Settings';
import { Shared, useNow, useView, useWords } from './shared';
import { Lines, ToDoList } from './ToDoList';
import { Troubled } from './Troubled';

export function App({ phone, kept }: { phone: Phone; kept: Kept }) {
  return (
    <Shared.Provider value={{ phone, kept }}>
      <Page />
    </Shared.Provider>
  );
}

function Page() {
  const { page, snapshot, language: tag, online } = useView();
  const { t, direction } = useWords();
  const unread = snapshot?.state.unread ?? 0;
  useEffect(() => {
    document.documentElement.lang = tag;
    document.documentElement.dir = direction;
  }, [tag, direction]);
  useEffect(() => {
    document.title = unread > 0 ? `(${unread}) ${t('app')}` : t('app');
    const badge = navigator as Navigator & { setAppBadge?(count: number): Promise<void> };
    if (page === 'ready') void badge.setAppBadge?.(unread).catch(() => undefined);
  }, [page, unread, t]);
  useEffect(() => paint(snapshot?.state.accent_colour ?? null), [snapshot?.state.accent_colour]);
  useEffect(() => {
    if (page === 'ready' && online) nameManifest();
  }, [page, online]);
  return (
    <>
      <header>
        <p class="organisation"><bdi>{snapshot?.state.organisation ?? t('app')}</bdi></p>
        {snapshot && <p><bdi>{snapshot.state.device.name}</bdi></p>}
      </header>
      {page === 'ready' && snapshot ? <Ready snapshot={snapshot} /> : <main>{typeof page === 'object' ? <Troubled {...page} /> : <p role="status">{t(page === 'linking' ? 'link.working' : 'starting')}</p>}</main>}
    </>
  );
}

function Ready({ snapshot: { state, at } }: { snapshot: Snapshot }) {
  const { online } = useView();
  const { t, when } = useWords();
  const now = useNow(30);
  const found = glance(state);
  return (
    <main>
      <div role="status">
        {!online && (
          <p class="note">
            <Icon name="offline" />
            <span>{t('offline', { when: when(at, now) })}</span>
          </p>
        )}
      </div>
      <Glance state={state} />
      {toDo(state).length > 0 && <ToDoList state={state} />}
      {state.restrictions.length > 0 && (
        <section aria-labelledby="restrictions">
          <h2 id="restrictions">{t('restrictions.title')}</h2>
          <div class="card">
            <ul class="restrictions">
              {state.restrictions.map((text) => (
                <li key={text}><bdi>{text}</bdi></li>
              ))}
            </ul>
            {found === 'restricted' && <p class="quiet">{t('restrictions.text', { organisation: state.organisation })}</p>}
          </div>
        </section>
      )}
      {state.help && found !== 'well' && <Help text={state.help} />}
      <PushCard otherwise={<Install />} />
      <Messages />
      {state.help && found === 'well' && <Help text={state.help} />}
      <Settings state={state} />
    </main>
  );
}

function Help({ text }: { text: string }) {
  const { t } = useWords();
  return (
    <section aria-labelledby="help">
      <h2 id="help">{t('help.title')}</h2>
      <div class="card">
        <Lines text={text} />
      </div>
    </section>
  );
}
