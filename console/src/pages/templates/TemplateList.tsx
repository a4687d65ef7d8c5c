// What messages to people say, by what they are about, channel and language.
import { Button, Group, Stack, Text } from '@mantine/core';
import { IconArchive, IconPencil, IconPlus } from '@tabler/icons-react';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { Fragment, useState } from 'react';
import type { Entry, TemplateSummary } from '../../api';
import { listNotificationTemplatesOptions, listTemplateLanguagesOptions } from '../../api/@tanstack/react-query.gen';
import { Allowed } from '../../app/session';
import { languageName } from '../../lib/languages';
import { useListSearch } from '../../lib/list';
import { count, words } from '../../lib/words';
import { Badge } from '../../ui/badges';
import { type Column, DataTable } from '../../ui/DataTable';
import { type Filter, FilterBar } from '../../ui/FilterBar';
import { Link } from '../../ui/Link';
import { LivePill } from '../../ui/LivePill';
import { PageHeader } from '../../ui/PageHeader';
import { EmptyState } from '../../ui/states';
import { Time } from '../../ui/Time';
import { SettingsTabs } from '../settings/SettingsTabs';
import { AddText } from './AddText';
import { ABOUT, TEMPLATE_TRIGGERS, templateSearch } from './search';

const concernsTemplates = (entry: Entry) => entry.object?.kind === 'notification_template';

export default function TemplateList() {
  const list = useListSearch(templateSearch);
  const query = useQuery({ ...listNotificationTemplatesOptions({ query: list.query }), placeholderData: keepPreviousData });
  const languages = useQuery(listTemplateLanguagesOptions()).data;
  const [adding, setAdding] = useState(false);
  const filters: Filter[] = [
    { key: 'trigger', label: 'About', atHand: true, kind: 'one', values: TEMPLATE_TRIGGERS },
    { key: 'channel', label: 'Channel', atHand: true, kind: 'one', values: ['email', 'sms', 'device_message'] },
    { key: 'language', label: 'Language', atHand: true, kind: 'text' },
    { key: 'changed', label: 'Changed only', kind: 'flag' },
  ];
  const columns: Column<TemplateSummary, 'language'>[] = [
    { key: 'about', title: 'About', render: (it) => <Link to="/settings/templates/$trigger/$channel/$language" params={it}>{`${ABOUT[it.trigger]}, ${words(it.channel)}, ${it.language}`}</Link> },
    { key: 'channel', title: 'Channel', render: (it) => words(it.channel) },
    { key: 'language', title: 'Language', sort: 'language', render: (it) => languageName(it.language) },
    { key: 'changed', title: 'Text', render: (it) => (it.changed ? <Badge look={['info', IconPencil]} text={it.shipped ? 'Changed' : 'Added'} /> : <Badge look={['neutral', IconArchive]} text="As shipped" />) },
    { key: 'at', title: 'Changed', render: (it) => <Time at={it.changed_at} /> },
    { key: 'by', title: 'By', render: (it) => it.changed_by ?? '–' },
  ];
  const partly = languages?.languages.filter(({ complete }) => !complete).map(({ language }) => languageName(language));
  const unsaid = languages?.languages.filter(({ untranslated }) => untranslated > 0) ?? [];
  return (
    <Stack gap="sm">
      <PageHeader
        title="Templates"
        description={languages && `Messages to people whose language is not known are in ${languageName(languages.default)}.${partly?.length ? ` Not every message can be in ${partly.join(', ')} yet.` : ''}`}
      >
        <LivePill query={query} concerns={concernsTemplates} />
        <Allowed right="manage_settings"><Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setAdding(true)}>Add a language</Button></Allowed>
      </PageHeader>
      <SettingsTabs />
      {unsaid.length > 0 && (
        <Text size="sm" className="in-text">
          Kinds of threats are named in another language where they have no text of their own:{' '}
          {unsaid.map(({ language, untranslated }, i) => (
            <Fragment key={language}>{i > 0 && ', '}<Link to="/protections" search={{ untranslated: language }}>{`${count(untranslated)} in ${languageName(language)}`}</Link></Fragment>
          ))}
          .
        </Text>
      )}
      <Group><FilterBar list={list} filters={filters} /></Group>
      <DataTable
        label="Templates"
        list={list}
        query={query}
        columns={columns}
        idOf={(it) => `${it.trigger}/${it.channel}/${it.language}`}
        nameOf={(it) => `${ABOUT[it.trigger]}, ${words(it.channel)}, ${it.language}`}
        empty={<EmptyState title="No templates" />}
      />
      {adding && <AddText onClose={() => setAdding(false)} />}
    </Stack>
  );
}
