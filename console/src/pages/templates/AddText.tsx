// Leads to the editor of a text in a language that has none yet.
import { Select, Text, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useNavigate } from '@tanstack/react-router';
import type { Channel, TemplateTrigger } from '../../api';
import { languageName, languageTag } from '../../lib/languages';
import { words } from '../../lib/words';
import { FormModal } from '../../ui/FormModal';
import { ABOUT, GOES_BY, TEMPLATE_TRIGGERS } from './search';

export function AddText({ onClose }: { onClose: () => void }) {
  const navigate = useNavigate();
  const form = useForm<{ language: string; trigger: TemplateTrigger; channel: Channel }>({
    initialValues: { language: '', trigger: 'account_status', channel: 'email' },
    validate: { language: (typed) => (languageTag(typed) ? null : 'Enter a language’s tag, such as fr or pt-BR') },
  });
  const { language, trigger } = form.values;
  const tag = languageTag(language);
  const go = async ({ language, trigger, channel }: typeof form.values) =>
    navigate({ to: '/settings/templates/$trigger/$channel/$language', params: { trigger, channel, language: languageTag(language) ?? language } });
  return (
    <FormModal title="Add a language" form={form} submitLabel="Write the text" onSubmit={go} onClose={onClose}>
      <Text size="sm" c="dimmed">Text by text: people whose language it is get the message in it as soon as its text is there.</Text>
      <TextInput label="Language" withAsterisk data-autofocus maxLength={35} placeholder="fr" description={tag ? languageName(tag) : 'Its tag, such as fr or pt-BR'} {...form.getInputProps('language')} />
      <Select
        label="About" allowDeselect={false} data={TEMPLATE_TRIGGERS.map((value) => ({ value, label: ABOUT[value] }))} {...form.getInputProps('trigger')}
        onChange={(value) => {
          const about = value as TemplateTrigger;
          form.setValues((now) => ({ trigger: about, channel: GOES_BY[about].find((each) => each === now.channel) ?? GOES_BY[about][0] }));
        }}
      />
      <Select label="Channel" allowDeselect={false} data={GOES_BY[trigger].map((value) => ({ value, label: words(value) }))} {...form.getInputProps('channel')} />
    </FormModal>
  );
}
