// One template: its text beside the values it may name, and the message it makes while it is written.
import { Button, Fieldset, Grid, Group, Skeleton, Stack, Switch, Text, Textarea, TextInput } from '@mantine/core';
import { IconRestore } from '@tabler/icons-react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useRef, useState } from 'react';
import { type Channel, resetNotificationTemplate, setNotificationTemplate, type TemplateAnswer, type TemplateText, type TemplateTrigger } from '../../api';
import { getNotificationTemplateOptions, getNotificationTemplateQueryKey, listNotificationTemplatesQueryKey, listTemplateLanguagesQueryKey } from '../../api/@tanstack/react-query.gen';
import { useRights } from '../../app/session';
import { languageName } from '../../lib/languages';
import { useSubmit } from '../../lib/submit';
import { words } from '../../lib/words';
import { ConfirmModal } from '../../ui/ConfirmModal';
import { LeaveGuard } from '../../ui/LeaveGuard';
import { Link } from '../../ui/Link';
import { PageHeader } from '../../ui/PageHeader';
import { ErrorState } from '../../ui/states';
import { toastDone } from '../../ui/toasts';
import { inserted, insertion } from './insertion';
import { ABOUT } from './search';
import { TemplatePreview } from './TemplatePreview';
import { Variables } from './Variables';

const route = getRouteApi('/shell/settings/templates/$trigger/$channel/$language');
// Fetched once for a visit: what others save meanwhile must not take away what is being written.
const ONCE = { staleTime: Infinity, gcTime: 0, refetchOnReconnect: false };

export default function TemplatePage() {
  const { trigger, channel, language } = route.useParams();
  const path = { trigger: trigger as TemplateTrigger, channel: channel as Channel, language };
  const query = useQuery({ ...getNotificationTemplateOptions({ path }), ...ONCE });
  const fresh = query.data?.text === null;
  // A new text begins as the English one, to be translated.
  const english = useQuery({ ...getNotificationTemplateOptions({ path: { ...path, language: 'en' } }), enabled: fresh });
  const mayManage = useRights()('manage_settings');
  const error = query.data ? (fresh ? english.error : null) : query.error;
  if (error) return <ErrorState error={error} onRetry={() => void (query.data ? english : query).refetch()} />;
  const start = query.data?.text ?? english.data?.text;
  if (!query.data || !start) return <Stack><Skeleton h={32} w={240} /><Skeleton h={320} /></Stack>;
  return mayManage ? <Editor key={`${trigger}/${channel}/${language}/${query.data.version}`} saved={query.data} start={start} /> : <Shown saved={query.data} text={start} />;
}

const titleOf = ({ trigger, channel, language }: TemplateAnswer) => `${ABOUT[trigger]}, ${words(channel)}, ${languageName(language)}`;
const back = <Link to="/settings/templates">All templates</Link>;

type Draft = { subject: string; body: string; html: string | null };
type Field = 'subject' | 'body' | 'html';

function Editor({ saved, start }: { saved: TemplateAnswer; start: TemplateText }) {
  const queries = useQueryClient();
  const began: Draft = { subject: start.subject ?? '', body: start.body, html: start.html ?? null };
  const [draft, setDraft] = useState(began);
  const [resetting, setResetting] = useState(false);
  const { busy, problem, errorAt, submit } = useSubmit();
  const fields = useRef<Partial<Record<Field, HTMLInputElement | HTMLTextAreaElement | null>>>({});
  const last = useRef<Field>('body');
  const { trigger, channel, language, version } = saved;
  const path = { trigger, channel, language };
  const mail = channel === 'email';
  const unsaved = saved.text === null || JSON.stringify(draft) !== JSON.stringify(began);
  const show = (answer: TemplateAnswer) => {
    // With its new version the editor begins anew.
    queries.setQueryData(getNotificationTemplateQueryKey({ path }), answer);
    void queries.invalidateQueries({ queryKey: listNotificationTemplatesQueryKey() });
    void queries.invalidateQueries({ queryKey: listTemplateLanguagesQueryKey() });
  };
  const save = async () => {
    const text = mail ? { subject: draft.subject, body: draft.body, html: draft.html } : { body: draft.body };
    const answer = await submit(text, () => setNotificationTemplate({ path, body: { ...text, version }, throwOnError: true }));
    if (!answer) return;
    toastDone('Template saved');
    show(answer.data);
  };
  const reset = async () => {
    const { data } = await resetNotificationTemplate({ path, query: { version }, throwOnError: true });
    toastDone(saved.shipped ? 'The text is the shipped one again' : 'Text taken away');
    show(data);
  };
  const insert = (name: string, isList: boolean) => {
    const field = last.current === 'html' && draft.html === null ? 'body' : last.current;
    const box = fields.current[field];
    const now = draft[field] ?? '';
    const { text, at } = inserted(now, insertion(name, isList), box?.selectionStart ?? now.length, box?.selectionEnd ?? now.length);
    setDraft({ ...draft, [field]: text });
    requestAnimationFrame(() => {
      box?.focus();
      box?.setSelectionRange(at, at);
    });
  };
  const of = (field: Field) => ({
    ref: (box: HTMLInputElement | HTMLTextAreaElement | null) => void (fields.current[field] = box),
    value: draft[field] ?? '',
    error: errorAt(`/${field}`),
    onFocus: () => void (last.current = field),
    onChange: ({ currentTarget: { value } }: { currentTarget: { value: string } }) => setDraft({ ...draft, [field]: value }),
  });
  const code = { styles: { input: { fontFamily: 'var(--mantine-font-family-monospace)' } }, spellCheck: false };
  const elsewhere = problem && !problem.errors?.every(({ pointer }) => ['/subject', '/body', '/html'].includes(pointer));
  return (
    <>
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          void save();
        }}
      >
        <LeaveGuard unsaved={unsaved && saved.text !== null} />
        <Stack gap="sm">
          <PageHeader title={titleOf(saved)} description={back}>
            {saved.changed && <Button variant="default" leftSection={<IconRestore size={16} aria-hidden />} onClick={() => setResetting(true)}>{saved.shipped ? 'Reset' : 'Take away'}</Button>}
            <Button type="submit" loading={busy} disabled={!unsaved || !draft.body.trim()}>Save</Button>
          </PageHeader>
          {saved.text === null && <Text size="sm" role="status">There is no text in {languageName(language)} yet. It begins as the English one: translate it, then save.</Text>}
          {problem && (elsewhere || !problem.errors) && <ErrorState error={problem} />}
          {problem && [409, 412].includes(problem.status) && (
            <Group><Button variant="default" onClick={() => void queries.resetQueries({ queryKey: getNotificationTemplateQueryKey({ path }) })}>Discard mine and show what is saved</Button></Group>
          )}
          <Grid>
            <Grid.Col span={{ base: 12, md: 7 }}>
              <Stack gap="sm">
                {mail && <TextInput label="Subject" withAsterisk maxLength={2000} {...code} {...of('subject')} />}
                <Textarea label={mail ? 'Text' : 'Message'} withAsterisk description="An empty line parts paragraphs." autosize minRows={mail ? 12 : 8} maxRows={26} maxLength={20_000} {...code} {...of('body')} />
                {mail && (
                  <Fieldset legend="Page">
                    <Stack gap="sm">
                      <Switch
                        label="A page of its own" description="Without it the mail’s page is made of the text."
                        checked={draft.html !== null} onChange={({ currentTarget: { checked } }) => setDraft({ ...draft, html: checked ? (began.html ?? '') : null })}
                      />
                      {draft.html !== null && <Textarea label="HTML" description="What is inside the page’s frame" autosize minRows={8} maxRows={26} maxLength={100_000} {...code} {...of('html')} />}
                    </Stack>
                  </Fieldset>
                )}
                <Variables variables={saved.variables} onInsert={insert} />
              </Stack>
            </Grid.Col>
            <Grid.Col span={{ base: 12, md: 5 }}><TemplatePreview of={path} draft={draft} /></Grid.Col>
          </Grid>
        </Stack>
      </form>
      {resetting && (
        <ConfirmModal title={saved.shipped ? 'Reset the template' : 'Take the text away'} confirmLabel={saved.shipped ? 'Reset' : 'Take away'} onConfirm={reset} onClose={() => setResetting(false)}>
          <Text>{saved.shipped ? 'The shipped text is sent again from now on.' : `Messages to people whose language is ${languageName(language)} are in the default language from now on.`} The text that was written here is gone for good.</Text>
        </ConfirmModal>
      )}
    </>
  );
}

function Shown({ saved, text }: { saved: TemplateAnswer; text: TemplateText }) {
  return (
    <Stack gap="sm">
      <PageHeader title={titleOf(saved)} description={back} />
      {text.subject && <TextInput label="Subject" readOnly value={text.subject} />}
      <Textarea label="Text" readOnly autosize maxRows={30} value={text.body} />
      {text.html && <Textarea label="HTML" readOnly autosize maxRows={30} value={text.html} />}
    </Stack>
  );
}
