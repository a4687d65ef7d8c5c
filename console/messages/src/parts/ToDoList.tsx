// What is to be put right, each with its steps.
import type { DeviceState, RiskLevel } from '../../../src/api/types.gen';
import { type ToDo, toDo } from '../glance';
import { Icon, type IconName } from './Icon';
import { useNow, useWords } from './shared';

const SIGNS: Record<RiskLevel, IconName> = { none: 'info', advisory: 'info', low: 'arrow_down', medium: 'to_do', high: 'arrow_up' };

export function ToDoList({ state }: { state: DeviceState }) {
  const { t } = useWords();
  return (
    <section aria-labelledby="to-do">
      <h2 id="to-do">{t('issues.title')}</h2>
      <ul class="plain" role="list">
        {toDo(state).map((one) => (
          <li key={'issue' in one ? one.issue.id : one.protection} class="card">
            <One todo={one} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function One({ todo }: { todo: ToDo }) {
  const { t, when } = useWords();
  const now = useNow(60);
  if ('protection' in todo) {
    return (
      <>
        <h3>{t(`protection.${todo.protection}.name`)}</h3>
        <Urgency level="medium" />
        <Steps steps={t(`protection.${todo.protection}.steps`).split('\n')} />
      </>
    );
  }
  const { issue } = todo;
  return (
    <>
      <h3><bdi>{issue.name}</bdi></h3>
      <Urgency level={issue.level} />
      {issue.about && <p><bdi>{issue.about}</bdi></p>}
      <Steps steps={issue.steps.length > 0 ? issue.steps : [t('issues.ask')]} />
      <p class="quiet">
        <time dateTime={issue.since}>{t('issues.since', { when: when(issue.since, now) })}</time>
      </p>
    </>
  );
}

function Urgency({ level }: { level: RiskLevel }) {
  const { t } = useWords();
  return (
    <p class={`level ${level}`}>
      <Icon name={SIGNS[level]} />
      {t(`level.${level}`)}
    </p>
  );
}

export function Steps({ steps }: { steps: string[] }) {
  return (
    <ol class="steps">
      {steps.map((step, at) => (
        <li key={at}><bdi>{step}</bdi></li>
      ))}
    </ol>
  );
}

/** A text of several paragraphs as somebody wrote it. */
export function Lines({ text }: { text: string }) {
  return (
    <>
      {text.split(/\n\s*\n/).map((paragraph, at) => (
        <p key={at} class="lines" dir="auto">{paragraph}</p>
      ))}
    </>
  );
}
