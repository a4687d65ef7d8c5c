// How the phone stands: a sign, a word and a sentence; having it checked; and the moment when all is clear again.
import type { DeviceState } from '../../../src/api/types.gen';
import { glance, toDo } from '../glance';
import { Icon } from './Icon';
import { useNow, usePhone, useView, useWords } from './shared';

export function Glance({ state }: { state: DeviceState }) {
  const { t, when } = useWords();
  const { allClear } = useView();
  const phone = usePhone();
  const now = useNow(30);
  const found = glance(state);
  const count = toDo(state).length;
  const rules = found === 'to_do' && count === 0;
  const checked = state.checked_at ? t('checked', { when: when(state.checked_at, now) }) : t('never_checked');
  return (
    <section class={`glance ${found}`} aria-labelledby="glance">
      <div role="status">
        {allClear && (
          <div class="all-clear">
            <Icon name="check" big />
            <p class="title">{t('all_clear.title')}</p>
            <p>{t('all_clear.text')}</p>
            <button type="button" onClick={() => void phone.thanks()}>{t('all_clear.button')}</button>
          </div>
        )}
      </div>
      <div class="verdict">
        <Icon name={found} big />
        <div>
          <h1 id="glance">{rules ? t('rules.title') : found === 'to_do' ? t('to_do.title', { count }) : t(`${found}.title`)}</h1>
          <p>{rules ? t('rules.text', { organisation: state.organisation }) : t(`${found}.text`)}</p>
          <p class="quiet">{checked}</p>
        </div>
      </div>
      <Check state={state} />
    </section>
  );
}

function Check({ state }: { state: DeviceState }) {
  const { t } = useWords();
  const { asking, online } = useView();
  const phone = usePhone();
  // While it is waited for, the answer's absence is noticed.
  useNow(5);
  const { checking } = phone;
  const found = glance(state);
  const busy = asking === 'asking' || checking === 'waiting';
  const count = toDo(state).length;

  let said: string | undefined;
  if (asking === 'asking') said = t('check.asking');
  else if (asking === 'failed') said = t('check.failed');
  else if (typeof asking === 'object') said = t('check.soon', { count: asking.soon });
  else if (checking === 'waiting') said = t('check.waiting');
  else if (checking === 'unanswered') said = t('check.unanswered');
  else if (checking === 'none' && asking === 'asked') said = t('check.cannot');
  else if (checking === 'done' && asking === 'asked' && found === 'lifting') said = t('check.lifting');
  else if (checking === 'done' && asking === 'asked' && count > 0) said = t('check.open', { count });

  const wanted = found === 'to_do' || found === 'restricted';
  return (
    <>
      {wanted && (
        <button type="button" class="wide" aria-disabled={busy || !online} onClick={() => !busy && online && void phone.check()}>
          <span class={busy ? 'turning' : undefined}>
            <Icon name="again" />
          </span>
          {t('check.button')}
        </button>
      )}
      <div role="status">{wanted && !online ? <p>{t('check.offline')}</p> : said && <p>{said}</p>}</div>
    </>
  );
}
