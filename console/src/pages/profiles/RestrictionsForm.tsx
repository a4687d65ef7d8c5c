// Restrictions: what is set, each with its value; all others to be found by name or by what they do.
import { ActionIcon, Button, Card, Code, Group, ScrollArea, Stack, Switch, Text, TextInput } from '@mantine/core';
import { IconPlus, IconSearch, IconX } from '@tabler/icons-react';
import { useState } from 'react';
import type { Platform } from '../../api';
import type { ErrorAt } from '../../lib/submit';
import { counted, mentions } from '../../lib/words';
import { Needs, SettingField } from './SettingField';
import { labelOf, needsOf, type Setting, strictest, usePayloadSettings } from './settings';
import type { Part } from './spec';

type Props = { platform: Platform; part: Part; onChange: (part: Part) => void; errorAt: ErrorAt; at: string };

export function RestrictionsForm({ platform, part, onChange, errorAt, at }: Props) {
  const [typed, setTyped] = useState('');
  const all = usePayloadSettings(platform).restrictions ?? [];
  const set = (part.settings ?? {}) as Record<string, unknown>;
  const put = (key: string, value: unknown) => onChange({ ...part, settings: { ...set, [key]: value } });
  const drop = (key: string) => onChange({ ...part, settings: Object.fromEntries(Object.entries(set).filter(([each]) => each !== key)) });
  const others = all.filter((setting) => !(setting.key in set) && mentions(typed, setting.key, labelOf(setting.key), setting.help, ...needsOf(platform, setting)));
  return (
    <Stack>
      {errorAt(`${at}/settings`) && <Text size="sm" c="var(--mantine-color-error)" role="alert">{errorAt(`${at}/settings`)}</Text>}
      <Stack gap={6} component="ul" p={0} m={0} style={{ listStyle: 'none' }} aria-label="Restrictions that are set">
        {Object.entries(set).map(([key, value]) => (
          <Row key={key} platform={platform} name={key} setting={all.find((each) => each.key === key)} value={value} onChange={(next) => put(key, next)} onRemove={() => drop(key)} errorAt={errorAt} at={`${at}/settings/${key}`} part={part} />
        ))}
      </Stack>
      <TextInput type="search" label="Add a restriction" placeholder="Search by name, effect or requirement: camera, supervised …" leftSection={<IconSearch size={16} aria-hidden />} value={typed} onChange={(event) => setTyped(event.currentTarget.value)} />
      <Text size="xs" c="dimmed" role="status">{counted(others.length, 'restriction')} to add</Text>
      <ScrollArea.Autosize mah={320} type="auto" viewportProps={{ tabIndex: 0, role: 'region', 'aria-label': 'Restrictions to add' }}>
        <Stack gap={2}>
          {others.map((setting) => (
            <Group key={setting.key} gap="xs" wrap="nowrap" align="flex-start" py={4}>
              <Button size="compact-xs" variant="default" leftSection={<IconPlus size={12} aria-hidden />} aria-label={`Add ${setting.key}`} onClick={() => put(setting.key, strictest(setting))} style={{ flexShrink: 0 }}>Add</Button>
              <div>
                <Text size="sm">{setting.help}</Text>
                <Group gap={6}><Code>{setting.key}</Code><Needs needs={needsOf(platform, setting)} /></Group>
              </div>
            </Group>
          ))}
        </Stack>
      </ScrollArea.Autosize>
    </Stack>
  );
}

type RowProps = {
  platform: Platform;
  name: string;
  /** Absent where the server knows a setting that this console does not. */
  setting: Setting | undefined;
  value: unknown;
  onChange: (value: unknown) => void;
  onRemove: () => void;
  errorAt: ErrorAt;
  at: string;
  part: Part;
};

function Row({ platform, name, setting, value, onChange, onRemove, errorAt, at, part }: RowProps) {
  const strict = setting?.restrictive !== 'false';
  return (
    <Card component="li" withBorder padding="xs">
      <Group wrap="nowrap" align="flex-start" justify="space-between">
        <div style={{ flex: 1, minWidth: 0 }}>
          {setting?.kind === 'bool' ? (
            <Switch label={setting.help} checked={value === strict} onChange={(event) => onChange(event.currentTarget.checked === strict)} error={errorAt(at)} />
          ) : (
            <Stack gap={4}>
              <Text size="sm">{setting?.help}</Text>
              {setting ? <SettingField platform={platform} setting={setting} value={value} onChange={(next) => onChange(next ?? strictest(setting))} errorAt={errorAt} at={at} part={part} bare={labelOf(name)} /> : <Code>{JSON.stringify(value)}</Code>}
            </Stack>
          )}
          <Group gap={6} mt={4}>
            <Code style={{ overflowWrap: 'anywhere' }}>{name}{setting?.kind === 'bool' ? ` = ${String(value)}` : ''}</Code>
            {setting && <Needs needs={needsOf(platform, setting)} />}
          </Group>
        </div>
        <ActionIcon variant="default" size={30} aria-label={`Remove ${name}`} onClick={onRemove}><IconX size={16} /></ActionIcon>
      </Group>
    </Card>
  );
}
