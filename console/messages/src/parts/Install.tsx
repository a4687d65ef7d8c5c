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

function Elsewhere() {
  const { t } = useWords();
  const [copied, setCopied] = useState<boolean>();
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(await installLink());
      setCopied(true);
    } catch {
      setCopied(false);
    }
  };
  return (
    <>
      <p>{t('install.ios_elsewhere')}</p>
      <button type="button" onClick={() => void copy()}>
        <Icon name="link" />
        {t('install.copy')}
      </button>
      <p role="status">{copied === undefined ? '' : t(copied ? 'install.copied' : 'install.copy_failed')}</p>
    </>
  );
}
