// What the owners of phones are told of a kind of threat, language by language, and writing it in any of them.
import { Button, Group, Select, Stack, Text, Textarea, TextInput } from '@mantine/core';
import { IconPencil, IconPlus, IconRestore } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { useSearch } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { type ClassificationText, type ClassificationWithTexts, resetClassificationText, setClassificationText } from '../../api';
import { getClassificationQueryKey, listClassificationsQueryKey, listTemplateLanguagesQueryKey } from '../../api/@tanstack/react-query.gen';
import { useRights } from '../../app/session';
import { languageName, languageTag } from '../../lib/languages';
import { useSubmit } from '../../lib/submit';
import { Badge } from '../../ui/badges';
import { usePatch } from '../../ui/Here';
import { ErrorState } from '../../ui/states';
import { toastDone, toastProblem } from '../../ui/toasts';

const ENGLISH = 'en';
const LONGEST = { name: 60, user_text: 500 };

export function Texts({ row }: { row: ClassificationWithTexts }) {
  const holds = useRights();
  const mayEdit = holds('edit_protections') || holds('manage_settings');
  const { language = ENGLISH } = useSearch({ from: '/shell/protections' });
  const patch = usePatch();
  const [unsaved, setUnsaved] = useState(false);
  const { texts } = row;
  const text = texts.find((each) => each.language === language);
  const tags = [...texts.map((each) => each.language), ...(text ? [] : [language])];
  const show = (tag: string) => {
    setUnsaved(false);
    patch({ language: tag });
  };
  return (
    <Stack>
      <Group align="flex-end">
        <Select
          label="Language" allowDeselect={false} searchable disabled={unsaved} description={unsaved ? 'Save or discard first.' : undefined}
          data={tags.map((tag) => ({ value: tag, label: languageName(tag) }))} value={language} onChange={(tag) => tag && show(tag)}
        />
        {text?.changed && <Badge look={['info', IconPencil]} text={text.shipped ? 'Changed' : 'Added'} />}
      </Group>
      {mayEdit ? (
        <Editor key={`${language} ${text?.version}`} row={row} language={language} text={text} onUnsaved={setUnsaved} />
      ) : text ? (
        <div><Text size="sm" fw={600}>{text.name}</Text><Text size="sm">{text.user_text}</Text></div>
      ) : (
        <Text size="sm">Nothing is said in {languageName(language)} yet.</Text>
      )}
      {mayEdit && !unsaved && <Add onAdd={show} />}
    </Stack>
  );
}

type EditorProps = { row: ClassificationWithTexts; language: string; text: ClassificationText | undefined; onUnsaved: (unsaved: boolean) => void };
type Draft = { name: string; user_text: string };

function Editor({ row, language, text, onUnsaved }: EditorProps) {
  const queries = useQueryClient();
  // A new text begins as the English one, to be translated.
  const start = text ?? row.texts.find((each) => each.language === ENGLISH);
  const began: Draft = { name: start?.name ?? row.name, user_text: start?.user_text ?? row.user_text };
  const [draft, setDraft] = useState(began);
  const { busy, problem, errorAt, submit } = useSubmit();
  const path = { id: row.id, language };
  const change = (to: Draft) => {
    setDraft(to);
    onUnsaved(JSON.stringify(to) !== JSON.stringify(began));
  };
  const put = async (to: Draft, version: number) => (await setClassificationText({ path, body: { ...to, version }, throwOnError: true })).data.version;
  const reset = (version: number) => resetClassificationText({ path, query: { version }, throwOnError: true });
  const refresh = () =>
    Promise.all([getClassificationQueryKey({ path: { id: row.id } }), listClassificationsQueryKey(), listTemplateLanguagesQueryKey()].map((queryKey) => queries.invalidateQueries({ queryKey })));
  const save = async () => {
    // It is on one line.
    const wanted = { name: draft.name.trim(), user_text: draft.user_text.trim().replaceAll(/\s+/g, ' ') };
    const now = await submit(wanted, () => put(wanted, text?.version ?? 0));
    if (now === undefined) return;
    onUnsaved(false);
    toastDone(`Text in ${languageName(language)} saved`, async () => {
      await (text?.changed ? put(began, now) : reset(now));
      await refresh();
    });
    await refresh();
  };
  const goBack = async () => {
    if (!text) return;
    try {
      await reset(text.version);
      toastDone(text.shipped ? 'The text is the shipped one again' : `Text in ${languageName(language)} taken away`, async () => {
        await put(began, 0);
        await refresh();
      });
      onUnsaved(false);
      await refresh();
    } catch (error) {
      toastProblem(error);
    }
  };
  const dirty = JSON.stringify(draft) !== JSON.stringify(began);
  return (
    <form
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        void save();
      }}
    >
      <Stack gap="sm">
        {!text && <Text size="sm" role="status">There is no text in {languageName(language)} yet. It begins as the English one: translate it, then save.</Text>}
        <TextInput label="Name" withAsterisk lang={language} maxLength={LONGEST.name} error={errorAt('/name')} value={draft.name} onChange={(event) => change({ ...draft, name: event.currentTarget.value })} />
        <Textarea
          label="What to do" withAsterisk lang={language} description="To the owner of the phone. Each sentence is a step." autosize minRows={3} maxRows={10} maxLength={LONGEST.user_text}
          error={errorAt('/user_text')} value={draft.user_text} onChange={(event) => change({ ...draft, user_text: event.currentTarget.value })}
        />
        {problem && !problem.errors?.length && <ErrorState error={problem} />}
        <Group justify="space-between">
          {text?.changed ? <Button variant="default" leftSection={<IconRestore size={16} aria-hidden />} onClick={() => void goBack()}>{text.shipped ? 'Reset' : 'Take away'}</Button> : <span />}
          <Group gap="xs">
            <Button variant="default" disabled={!dirty || busy} onClick={() => change(began)}>Discard</Button>
            <Button type="submit" loading={busy} disabled={(!dirty && text !== undefined) || !draft.name.trim() || !draft.user_text.trim()}>Save text</Button>
          </Group>
        </Group>
      </Stack>
    </form>
  );
}

function Add({ onAdd }: { onAdd: (tag: string) => void }) {
  const [typed, setTyped] = useState('');
  const tag = languageTag(typed);
  const add = (event: FormEvent) => {
    event.preventDefault();
    if (!tag) return;
    setTyped('');
    onAdd(tag);
  };
  return (
    <form onSubmit={add}>
      <Group align="flex-end">
        <TextInput label="Another language" placeholder="pl" maxLength={35} description={tag ? languageName(tag) : 'Its tag, such as fr or pt-BR'} value={typed} onChange={(event) => setTyped(event.currentTarget.value)} />
        <Button type="submit" variant="default" disabled={!tag} leftSection={<IconPlus size={16} aria-hidden />}>Write it</Button>
      </Group>
    </form>
  );
}
