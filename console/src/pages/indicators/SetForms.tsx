// Adds a set of indicators, changes what is set about one, hands one a new content.
import { FileInput, SegmentedControl, Select, type SelectProps, Text, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { createIndicatorSet, deleteIndicatorSet, editIndicatorSet, type IndicatorSet } from '../../api';
import { getIndicatorSetQueryKey, listClassificationsOptions, listIndicatorSetsQueryKey, listIndicatorsQueryKey } from '../../api/@tanstack/react-query.gen';
import { counted } from '../../lib/words';
import { FormModal } from '../../ui/FormModal';
import { toastDone } from '../../ui/toasts';
import { DAILY, fileProblem, intervals, load } from './sets';

const named = (name: string) => (name.trim() ? null : 'Enter a name');
const isUrl = (url: string) => (URL.canParse(url.trim()) ? null : 'Enter the address, for example https://example.com/indicators.stix2');

export function useRefreshSets() {
  const queries = useQueryClient();
  return (id?: string) =>
    Promise.all([listIndicatorSetsQueryKey(), listIndicatorsQueryKey(), ...(id ? [getIndicatorSetQueryKey({ path: { id } })] : [])].map((queryKey) => queries.invalidateQueries({ queryKey })));
}

function ClassificationSelect(props: Omit<SelectProps, 'data'>) {
  const { data } = useQuery({ ...listClassificationsOptions({ query: { limit: 500, sort: 'name' } }), staleTime: 5 * 60_000 });
  return (
    <Select
      label="Taken for" placeholder="What the content says of each" description="Whatever they find is a threat of this kind; its level is in Protections." clearable searchable nothingFoundMessage="Nothing found"
      {...props} data={(data?.items ?? []).map(({ id, name }) => ({ value: id, label: name }))}
    />
  );
}

const FILE = { label: 'File', withAsterisk: true, placeholder: 'Choose a file', description: 'A STIX 2.1 bundle (JSON), or a list in YAML as that of stalkerware indicators; at most 64 MiB', accept: '.json,.stix2,.stix,.yaml,.yml,application/json,application/yaml' };

type New = { by: 'file' | 'url'; name: string; classification: string | null; file: File | null; url: string; refresh_seconds: string; attempt: number };

export function AddSet({ onClose }: { onClose: () => void }) {
  const refresh = useRefreshSets();
  const form = useForm<New>({
    initialValues: { by: 'file', name: '', classification: null, file: null, url: '', refresh_seconds: String(DAILY), attempt: 0 },
    validate: { name: named, file: (file, { by }) => (by === 'file' ? fileProblem(file) : null), url: (url, { by }) => (by === 'url' ? isUrl(url) : null) },
  });
  const { by } = form.values;
  const add = async ({ by, name, classification, file, url, refresh_seconds, attempt }: New, key: string) => {
    const from = by === 'url' ? { url: url.trim(), refresh_seconds: Number(refresh_seconds) } : {};
    const { data: set } = await createIndicatorSet({ body: { name: name.trim(), classification: classification ?? undefined, ...from }, headers: { 'Idempotency-Key': key }, throwOnError: true });
    try {
      const loaded = by === 'file' && file ? await load(set.id, file) : undefined;
      toastDone(loaded ? `${set.name}: ${counted(loaded.indicators, 'indicator')} in force` : `${set.name} is being fetched`);
    } catch (error) {
      // Nobody asked for an empty set; the next attempt makes another.
      form.setFieldValue('attempt', attempt + 1);
      await deleteIndicatorSet({ path: { id: set.id } });
      throw error;
    } finally {
      await refresh();
    }
  };
  return (
    <FormModal title="Add indicators" form={form} submitLabel="Add" onSubmit={add} onClose={onClose}>
      <Text size="sm" c="dimmed">Signs by which malicious apps, profiles and servers are known. Devices are compared with them at once, whatever they report later as well.</Text>
      <SegmentedControl aria-label="Where they come from" data={[{ value: 'file', label: 'A file' }, { value: 'url', label: 'A URL' }]} {...form.getInputProps('by')} />
      <TextInput label="Name" withAsterisk maxLength={100} data-autofocus {...form.getInputProps('name')} />
      {by === 'file' ? <FileInput {...FILE} {...form.getInputProps('file')} /> : <Url form={form.getInputProps} seconds={DAILY} />}
      <ClassificationSelect {...form.getInputProps('classification')} />
    </FormModal>
  );
}

function Url({ form, seconds }: { form: (name: string) => object; seconds: number }) {
  return (
    <>
      <TextInput label="Address" type="url" withAsterisk maxLength={500} placeholder="https://" description="Everybody who may view sees it, so it must not hold a secret." {...form('url')} />
      <Select label="Fetched" allowDeselect={false} data={intervals(seconds)} {...form('refresh_seconds')} />
    </>
  );
}

export function EditSet({ set, onJob, onClose }: { set: IndicatorSet; onJob: (id: string) => void; onClose: () => void }) {
  const refresh = useRefreshSets();
  const seconds = set.refresh_seconds ?? DAILY;
  const form = useForm({
    initialValues: { name: set.name, classification: set.classification, url: set.url ?? '', refresh_seconds: String(seconds) },
    validate: { name: named, url: (url) => (set.origin === 'url' ? isUrl(url) : null) },
  });
  const save = async ({ name, classification, url, refresh_seconds }: ReturnType<typeof form.getValues>) => {
    const from = set.origin === 'url' ? { url: url.trim(), refresh_seconds: Number(refresh_seconds) } : {};
    const body = { classification, version: set.version, ...(set.origin === 'folder' ? {} : { name: name.trim() }), ...from };
    const { data } = await editIndicatorSet({ path: { id: set.id }, body, throwOnError: true });
    toastDone(`${data.name} saved`);
    if (data.job_id) onJob(data.job_id);
    await refresh(set.id);
  };
  return (
    <FormModal title={`Edit ${set.name}`} form={form} submitLabel="Save" onSubmit={save} onClose={onClose}>
      <TextInput label="Name" withAsterisk maxLength={100} disabled={set.origin === 'folder'} description={set.origin === 'folder' && 'That of the file in the server’s folder.'} data-autofocus {...form.getInputProps('name')} />
      {set.origin === 'url' && <Url form={form.getInputProps} seconds={seconds} />}
      <ClassificationSelect {...form.getInputProps('classification')} />
    </FormModal>
  );
}

export function UploadSet({ set, onClose }: { set: IndicatorSet; onClose: () => void }) {
  const refresh = useRefreshSets();
  const form = useForm<{ file: File | null }>({ initialValues: { file: null }, validate: { file: fileProblem } });
  const upload = async ({ file }: { file: File | null }) => {
    if (!file) return;
    const { name, indicators } = await load(set.id, file);
    toastDone(`${name}: ${counted(indicators, 'indicator')} in force`);
    await refresh(set.id);
  };
  return (
    <FormModal title={`Upload ${set.name}`} form={form} submitLabel="Upload" onSubmit={upload} onClose={onClose}>
      <Text size="sm">It takes the place of {counted(set.indicators, 'indicator')}. Threats that only those stand behind that are gone are resolved.</Text>
      <FileInput {...FILE} {...form.getInputProps('file')} />
    </FormModal>
  );
}
