// Tags: the ordinary ones people set and the engine's own.
import { Button, Group, Stack, Text, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { IconPencil, IconPlus, IconTrash } from '@tabler/icons-react';
import { keepPreviousData, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { createTag, deleteTag, editTag, type Entry, type Tag } from '../../api';
import { listDevicesOptions, listTagsOptions, listTagsQueryKey } from '../../api/@tanstack/react-query.gen';
import { Allowed, useRights } from '../../app/session';
import { useListSearch } from '../../lib/list';
import { counted } from '../../lib/words';
import { ConfirmModal } from '../../ui/ConfirmModal';
import { type Column, DataTable } from '../../ui/DataTable';
import { type Filter, FilterBar } from '../../ui/FilterBar';
import { FormModal } from '../../ui/FormModal';
import { Link } from '../../ui/Link';
import { LivePill } from '../../ui/LivePill';
import { PageHeader } from '../../ui/PageHeader';
import { EmptyState } from '../../ui/states';
import { toastDone } from '../../ui/toasts';
import { tagSearch } from './search';

type Dialog = { kind: 'create' } | { kind: 'rename' | 'delete'; tag: Tag };

const FILTERS: Filter<'q' | 'engine'>[] = [
  { key: 'q', label: 'Search', atHand: true, kind: 'search', placeholder: 'Name' },
  { key: 'engine', label: 'Set by', atHand: true, kind: 'flags', words: ['The engine', 'People'] },
];
const concernsTags = (entry: Entry) => entry.object?.kind === 'tag';

export default function TagList() {
  const list = useListSearch(tagSearch);
  const query = useQuery({ ...listTagsOptions({ query: list.query }), placeholderData: keepPreviousData });
  const mayManage = useRights()('manage_tags');
  const [dialog, setDialog] = useState<Dialog>();
  const close = () => setDialog(undefined);
  const columns: Column<Tag, 'name'>[] = [
    { key: 'name', title: 'Name', sort: 'name', render: (tag) => tag.name },
    { key: 'set_by', title: 'Set by', render: (tag) => (tag.engine ? 'The engine' : 'People') },
    { key: 'devices', title: 'Devices', render: (tag) => <Link to="/devices" search={{ tag_id: tag.id }} aria-label={`Show devices tagged ${tag.name}`}>Show devices</Link> },
  ];
  if (mayManage) {
    columns.push({
      key: 'actions',
      title: '',
      render: (tag) => (
        <Group gap={4} justify="flex-end" wrap="nowrap">
          <Button size="compact-xs" variant="default" leftSection={<IconPencil size={14} aria-hidden />} aria-label={`Rename ${tag.name}`} onClick={() => setDialog({ kind: 'rename', tag })}>Rename</Button>
          {!tag.engine && <Button size="compact-xs" variant="default" leftSection={<IconTrash size={14} aria-hidden />} aria-label={`Delete ${tag.name}`} onClick={() => setDialog({ kind: 'delete', tag })}>Delete</Button>}
        </Group>
      ),
    });
  }
  const create = <Allowed right="manage_tags"><Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setDialog({ kind: 'create' })}>New tag</Button></Allowed>;
  return (
    <Stack gap="sm">
      <PageHeader title="Tags" description="Labels on devices, for smart groups and profiles to ask for.">
        <LivePill query={query} concerns={concernsTags} />
        {create}
      </PageHeader>
      <FilterBar list={list} filters={FILTERS} />
      <DataTable label="Tags" list={list} query={query} columns={columns} idOf={(tag) => tag.id} nameOf={(tag) => tag.name} empty={<EmptyState title="No tags yet" action={create}>Make one to label devices with.</EmptyState>} />
      {dialog?.kind === 'create' && <TagForm onClose={close} />}
      {dialog?.kind === 'rename' && <TagForm tag={dialog.tag} onClose={close} />}
      {dialog?.kind === 'delete' && <DeleteTag tag={dialog.tag} onClose={close} />}
    </Stack>
  );
}

function TagForm({ tag, onClose }: { tag?: Tag; onClose: () => void }) {
  const queries = useQueryClient();
  const refresh = () => queries.invalidateQueries({ queryKey: listTagsQueryKey() });
  const form = useForm({
    initialValues: { name: tag?.name ?? '' },
    validate: { name: (name) => (name.trim() ? null : 'Enter a name') },
  });
  const save = async ({ name }: { name: string }, key: string) => {
    if (!tag) {
      await createTag({ body: { name }, headers: { 'Idempotency-Key': key }, throwOnError: true });
      toastDone(`Tag ${name} created`);
    } else {
      const { data: renamed } = await editTag({ path: { id: tag.id }, body: { name, version: tag.version }, throwOnError: true });
      toastDone(`Tag renamed to ${name}`, async () => {
        await editTag({ path: { id: tag.id }, body: { name: tag.name, version: renamed.version }, throwOnError: true });
        await refresh();
      });
    }
    await refresh();
  };
  return (
    <FormModal title={tag ? `Rename ${tag.name}` : 'New tag'} form={form} submitLabel={tag ? 'Rename' : 'Create'} onSubmit={save} onClose={onClose}>
      <TextInput label="Name" withAsterisk maxLength={100} data-autofocus {...form.getInputProps('name')} />
    </FormModal>
  );
}

const SHOWN = 500;

function DeleteTag({ tag, onClose }: { tag: Tag; onClose: () => void }) {
  const queries = useQueryClient();
  const { data } = useQuery(listDevicesOptions({ query: { tag_id: tag.id, limit: SHOWN } }));
  const devices = data && (data.next_cursor ? `more than ${counted(SHOWN, 'device')}` : counted(data.items.length, 'device'));
  const remove = async () => {
    await deleteTag({ path: { id: tag.id }, throwOnError: true });
    toastDone(`Tag ${tag.name} deleted`);
    await queries.invalidateQueries({ queryKey: listTagsQueryKey() });
  };
  return (
    <ConfirmModal title={`Delete ${tag.name}`} confirmLabel="Delete tag" typed={tag.name} onConfirm={remove} onClose={onClose}>
      <Text size="sm">The tag is taken off {devices ?? '…'} for good. It cannot be deleted while a smart group or a profile asks for it.</Text>
    </ConfirmModal>
  );
}
