// What the phone's owner was told. A message counts as read when it was on the screen for a moment.
import { useState } from 'preact/hooks';
import type { OwnMessage } from '../../../src/api/types.gen';
import { Icon, type IconName } from './Icon';
import { useNow, usePhone, useSeen, useView, useWords } from './shared';
import { Lines } from './ToDoList';

const SIGNS: Record<OwnMessage['kind'], IconName> = { notice: 'to_do', all_clear: 'check', message: 'message' };

export function Messages() {
  const { t } = useWords();
  const { snapshot, online } = useView();
  const phone = usePhone();
  const [fetching, setFetching] = useState(false);
  if (!snapshot) return null;
  const { messages, next_cursor, state } = snapshot;
  const { organisation } = state;
  const older = async () => {
    setFetching(true);
    await phone.older();
    setFetching(false);
  };
  return (
    <section aria-labelledby="messages">
      <h2 id="messages">
        {t('messages.title')} {state.unread > 0 && <span class="count">{t('messages.new', { count: state.unread })}</span>}
      </h2>
      {messages.length === 0 && <p class="card quiet">{t('messages.none', { organisation })}</p>}
      <ul class="plain" role="list">
        {messages.map((message) => (
          <li key={message.id}>
            <One message={message} />
          </li>
        ))}
      </ul>
      {next_cursor && (
        <button type="button" class="second wide" aria-disabled={fetching || !online} onClick={() => !fetching && online && void older()}>
          {t('messages.older')}
        </button>
      )}
      {messages.length > 0 && <p class="quiet">{t('messages.read_is_seen', { organisation })}</p>}
    </section>
  );
}

function One({ message }: { message: OwnMessage }) {
  const { t, when } = useWords();
  const phone = usePhone();
  const now = useNow(60);
  const unread = message.read_at === null;
  // It stays marked as new until the page is left: what was read a moment ago is still looked for.
  const [isNew] = useState(unread);
  const ref = useSeen<HTMLElement>(unread, () => void phone.read(message.id));
  return (
    <article ref={ref} class={`card message${isNew ? ' new' : ''}`} aria-label={t(`kind.${message.kind}`)} data-read={!unread}>
      <p class="kind">
        <Icon name={SIGNS[message.kind]} />
        <span>{t(`kind.${message.kind}`)}</span>
        {isNew && <span class="count">{t('messages.unread')}</span>}
        <time class="quiet" dateTime={message.sent_at}>{when(message.sent_at, now)}</time>
      </p>
      <Lines text={message.text} />
    </article>
  );
}
