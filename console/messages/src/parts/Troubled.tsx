// Why there is nothing to show, and what to do about it.
import type { Trouble } from '../phone';
import { Icon } from './Icon';
import { useWords } from './shared';

export function Troubled({ trouble, again }: { trouble: Trouble; again?: () => void }) {
  const { t } = useWords();
  return (
    <section class="glance trouble" role="alert" aria-labelledby="trouble">
      <div class="verdict">
        <Icon name={trouble === 'unreachable' || trouble === 'offline' ? 'offline' : trouble === 'none' ? 'link' : 'info'} big />
        <div>
          <h1 id="trouble">{t(`link.${trouble}.title`)}</h1>
          <p>{t(`link.${trouble}.text`)}</p>
        </div>
      </div>
      {again && <button type="button" class="wide" onClick={again}>{t('retry')}</button>}
    </section>
  );
}
