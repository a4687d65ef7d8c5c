// One member of a payload, with the control its kind asks for, its help and what it needs of a device.
import { ActionIcon, Badge, Button, Fieldset, Group, MultiSelect, NumberInput, PasswordInput, Select, Stack, TagsInput, Text, TextInput } from '@mantine/core';
import { IconPlus, IconX } from '@tabler/icons-react';
import type { Platform } from '../../api';
import type { ErrorAt } from '../../lib/submit';
import { freshEntry, labelOf, needsOf, REQUIRED, type Setting } from './settings';
import type { Part } from './spec';

export function Needs({ needs }: { needs: string[] }) {
  return needs.map((need) => <Badge key={need} size="sm" variant="default" radius="sm" tt="none" fw={500}>{need}</Badge>);
}

type Props = {
  platform: Platform;
  setting: Setting;
  value: unknown;
  /** `undefined`: not set. */
  onChange: (value: unknown) => void;
  errorAt: ErrorAt;
  /** Where it is in what is sent, as a JSON pointer. */
  at: string;
  part: Part;
  /** Its accessible name where the label is shown otherwise. */
  bare?: string;
};

const choices = (values: readonly string[]) => values.map((value) => ({ value, label: labelOf(value) }));
const LONG_LIST = /[\s,;]+/;

export function SettingField({ platform, setting, value, onChange, errorAt, at, part, bare }: Props) {
  const { key, kind, help } = setting;
  const required = REQUIRED.has(key);
  const needs = needsOf(platform, setting);
  const shared = {
    ...(bare ? { 'aria-label': bare } : {
      label: labelOf(key),
      description: <Group component="span" gap={6}>{help}{needs.length > 0 && <Text span size="xs" fw={600}>{needs.join(' · ')}</Text>}</Group>,
    }),
    error: errorAt(at) ?? (Array.isArray(value) ? value.map((_, i) => errorAt(`${at}/${i}`)).find(Boolean) : undefined),
  };
  const text = (typed: string) => onChange(typed === '' && !required ? undefined : typed);
  switch (kind) {
    case 'bool':
      return <Select {...shared} placeholder="Not set" clearable data={[{ value: 'true', label: 'Yes' }, { value: 'false', label: 'No' }]} value={value === undefined || value === null ? null : String(value)} onChange={(chosen) => onChange(chosen === null ? undefined : chosen === 'true')} />;
    case 'integer':
      return <NumberInput {...shared} placeholder={`${setting.min} to ${setting.max}`} allowDecimal={false} min={setting.min} max={setting.max} value={typeof value === 'number' ? value : ''} onChange={(typed) => onChange(typed === '' ? undefined : Number(typed))} />;
    case 'number':
      return <Select {...shared} placeholder="Not set" clearable={!bare} allowDeselect={!bare} data={setting.values.map(String)} value={typeof value === 'number' ? String(value) : null} onChange={(chosen) => onChange(chosen === null ? undefined : Number(chosen))} />;
    case 'enum':
      return <Select {...shared} placeholder="Not set" clearable={!required && !bare} allowDeselect={!required && !bare} data={choices(setting.values)} value={typeof value === 'string' ? value : null} onChange={(chosen) => onChange(chosen ?? undefined)} />;
    case 'enum_list':
      return <MultiSelect {...shared} searchable data={choices(setting.values)} value={(value as string[] | undefined) ?? []} onChange={onChange} />;
    case 'string':
      return <TextInput {...shared} withAsterisk={required} value={typeof value === 'string' ? value : ''} onChange={(event) => text(event.currentTarget.value)} />;
    case 'secret':
      return <PasswordInput {...shared} autoComplete="new-password" value={typeof value === 'string' ? value : ''} onFocus={(event) => event.currentTarget.select()} onChange={(event) => text(event.currentTarget.value)} />;
    case 'string_list':
      return <TagsInput {...shared} placeholder="Type or paste, then Enter" splitChars={[',', ' ', ';', '\n']} maxTags={setting.max} value={(value as string[] | undefined) ?? []} onChange={(list) => onChange(list.length === 0 && !required && !bare ? undefined : list.flatMap((each) => each.split(LONG_LIST)).filter(Boolean))} />;
    case 'list':
      return <Entries platform={platform} setting={setting} entries={(value as Record<string, unknown>[] | undefined) ?? []} onChange={onChange} errorAt={errorAt} at={at} part={part} />;
    case 'object':
      return null;
  }
}

type EntriesProps = Omit<Props, 'value' | 'setting' | 'bare'> & { setting: Extract<Setting, { kind: 'list' }>; entries: Record<string, unknown>[] };

function Entries({ platform, setting, entries, onChange, errorAt, at, part }: EntriesProps) {
  const name = labelOf(setting.key);
  const change = (i: number, key: string, value: unknown) =>
    onChange(entries.map((entry, each) => (each === i ? Object.fromEntries(Object.entries({ ...entry, [key]: value }).filter(([, one]) => one !== undefined)) : entry)));
  return (
    <Fieldset legend={name}>
      <Stack gap="xs" align="flex-start">
        <Text size="sm" c="dimmed">{setting.help} {needsOf(platform, setting).join(' · ')}</Text>
        {errorAt(at) && <Text size="sm" c="var(--mantine-color-error)" role="alert">{errorAt(at)}</Text>}
        {entries.map((entry, i) => (
          <Group key={i} gap="xs" align="flex-start" role="group" aria-label={`${name} ${i + 1}`}>
            {setting.members.map((member) => (
              <div key={member.key} style={{ minWidth: 200, maxWidth: 420 }}>
                <SettingField platform={platform} setting={member} value={entry[member.key]} onChange={(value) => change(i, member.key, value)} errorAt={(pointer) => errorAt(pointer) ?? (pointer === `${at}/${i}/${member.key}` && member === setting.members[0] ? errorAt(`${at}/${i}`) : undefined)} at={`${at}/${i}/${member.key}`} part={part} {...(i > 0 ? { bare: `${labelOf(member.key)} ${i + 1}` } : {})} />
              </div>
            ))}
            <ActionIcon variant="default" size={36} mt={i === 0 ? 'xl' : 0} aria-label={`Remove ${name.toLowerCase()} ${i + 1}`} onClick={() => onChange(entries.filter((_, each) => each !== i))}><IconX size={16} /></ActionIcon>
          </Group>
        ))}
        <Button size="compact-sm" variant="default" leftSection={<IconPlus size={14} aria-hidden />} disabled={entries.length >= setting.max} onClick={() => onChange([...entries, freshEntry(platform, setting.key, part)])}>Add to {name.toLowerCase()}</Button>
      </Stack>
    </Fieldset>
  );
}
