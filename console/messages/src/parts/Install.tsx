// How to put the app on the home screen, in this browser's way.
import { useEffect, useState } from 'preact/hooks';
import { installLink } from '../api';
import { offer, onHomeScreen, place } from '../install';
import { Icon } from './Icon';
import { useKept, useWords } from './shared';
import { Steps } from './ToDoList';

export function Install() {
  const { t } = useWords();
  const [later, setLater] = useKept('install_later');
  const [offered, setOffered] = useState(offer.there);
  const [installed, setInstalled] = useState(onHomeScreen);
  useEffect(() => offer.subscribe(() => setOffered(offer.there())), []);
  if (installed || later !== false) return null;
  const where = place();
  return (
    <section class="card" aria-labelledby="install">
      <h2 id="install">
        <Icon name="home" />
        {t('install.title')}
      </h2>
      <p>{t('install.text')}</p>
      {!offered && where === 'ios_elsewhere' && <Elsewhere />}
      {!offered && where !== 'ios_elsewhere' && <Steps steps={t(`install.${where}`).split('\n')} />}
      <p class="buttons">
        {offered && <button type="button" onClick={() => void offer.take().then(setInstalled)}>{t('install.button')}</button>}
        <button type="button" class="second" onClick={() => setLater(true)}>{t('install.later')}</button>
      </p>
    </section>
  );
}

/** Puts a text that is still to come into the clipboard: Safari wants to hear of it while the button is being tapped. */
async function copy(text: Promise<string>): Promise<void> {
  const blob = text.then((found) => new Blob([found], { type: 'text/plain' }));
  await navigator.clipboard.write([new ClipboardItem({ 'text/plain': blob })]);
}

function Elsewhere() {
  const { t } = useWords();
  const [outcome, setOutcome] = useState<'copied' | 'failed' | { link: string }>();
  const start = async () => {
    const link = installLink();
    try {
      await copy(link);
      setOutcome('copied');
    } catch {
      // Not every app that shows pages lets them use the clipboard.
      setOutcome(await link.then((found) => ({ link: found }), () => 'failed' as const));
    }
  };
  return (
    <>
      <p>{t('install.ios_elsewhere')}</p>
      <button type="button" onClick={() => void start()}>
        <Icon name="link" />
        {t('install.copy')}
      </button>
      <div role="status">
        {outcome === 'copied' && <p>{t('install.copied')}</p>}
        {outcome === 'failed' && <p>{t('install.copy_failed')}</p>}
        {typeof outcome === 'object' && (
          <label>
            <span>{t('install.copy_by_hand')}</span>
            <input readOnly value={outcome.link} onFocus={(event) => event.currentTarget.select()} />
          </label>
        )}
      </div>
    </>
  );
}
