// The payloads of a profile: added, filled in and taken away.
import { Accordion, Alert, Button, Group, Menu, SimpleGrid, Stack, Text } from '@mantine/core';
import { IconAlertTriangle, IconPlus, IconTrash } from '@tabler/icons-react';
import { useState } from 'react';
import type { Payload, Platform, Problem, Requirement } from '../../api';
import type { ErrorAt } from '../../lib/submit';
import { counted, words } from '../../lib/words';
import { EmptyState } from '../../ui/states';
import { CustomSettingsForm } from './CustomSettingsForm';
import { RestrictionsForm } from './RestrictionsForm';
import { Needs, SettingField } from './SettingField';
import { applies, freshPart, needInWords, ORDER, usePayloadSettings, withMember } from './settings';
import { type Part, TYPE_NAMES } from './spec';

type Props = {
  platform: Platform;
  payloads: Part[];
  onChange: (payloads: Part[]) => void;
  errorAt: ErrorAt;
  problem: Problem | undefined;
  /** What the saved draft's payloads need; used for those that are as saved. */
  requirements: Requirement[];
  saved: Part[];
};

const TYPES = Object.keys(ORDER) as Payload['type'][];

function contents(part: Part): string {
  const { type, ...members } = part;
  switch (type) {
    case 'restrictions':
      return counted(Object.keys((part.settings ?? {}) as object).length, 'setting');
    case 'application_control':
      return `${words(String(part.mode))}, ${counted((part.apps as unknown[]).length, 'app')}`;
    case 'wifi':
      return String(part.ssid || 'no name yet');
    case 'vpn':
      return String(part.name ?? part.app ?? part.server ?? words(String(part.connection)));
    case 'custom_settings':
      return String(part.payload_type ?? counted(Object.keys((part.content ?? {}) as object).length, 'field'));
    default:
      return counted(Object.keys(members).length, 'setting');
  }
}

export default function PayloadsTab({ platform, payloads, onChange, errorAt, problem, requirements, saved }: Props) {
  const known = usePayloadSettings(platform);
  const [open, setOpen] = useState<string[]>(payloads.length === 1 ? ['0'] : []);
  const change = (i: number, part: Part) => onChange(payloads.map((each, at) => (at === i ? part : each)));
  const remove = (i: number) => {
    setOpen([]);
    onChange(payloads.filter((_, at) => at !== i));
  };
  const add = (type: Payload['type']) => {
    setOpen([...open, String(payloads.length)]);
    onChange([...payloads, freshPart(platform, type)]);
  };
  const adding = (
    <Menu position="bottom-start" width={340}>
      <Menu.Target><Button variant="default" leftSection={<IconPlus size={16} aria-hidden />}>Add a payload</Button></Menu.Target>
      <Menu.Dropdown>
        {TYPES.filter((type) => type in known).map((type) => (
          <Menu.Item key={type} onClick={() => add(type)} disabled={type === 'network_usage_rules' && payloads.some((part) => part.type === type)}>
            <Text size="sm">{TYPE_NAMES[type]}</Text>
            <Text size="xs" c="dimmed">{ORDER[type]}</Text>
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
  if (payloads.length === 0) return <EmptyState title="No payloads yet" action={adding}>A payload is what the profile puts on a {words(platform)} device: restrictions, apps that may be used, a passcode policy.</EmptyState>;
  return (
    <Stack align="flex-start">
      <Accordion multiple variant="separated" w="100%" value={open} onChange={setOpen} order={2}>
        {payloads.map((part, i) => {
          const at = `/spec/payloads/${i}`;
          const wrong = problem?.errors?.some(({ pointer }) => pointer === at || pointer.startsWith(`${at}/`));
          const asSaved = JSON.stringify(part) === JSON.stringify(saved[i]);
          const needs = asSaved ? requirements.filter(({ pointer }) => pointer === `/payloads/${i}`).map(({ needs: need }) => needInWords(platform, need)) : [];
          return (
            <Accordion.Item key={i} value={String(i)}>
              <Accordion.Control icon={wrong ? <IconAlertTriangle size={18} color="var(--mantine-color-error)" aria-label="Has errors" /> : undefined}>
                <Group gap="xs"><Text size="sm" fw={600}>{TYPE_NAMES[part.type]}</Text><Text size="sm" c="dimmed">{contents(part)}</Text><Needs needs={needs} /></Group>
              </Accordion.Control>
              <Accordion.Panel>
                <Stack>
                  {errorAt(at) && <Alert color="red" icon={<IconAlertTriangle aria-hidden />}>{errorAt(at)}</Alert>}
                  <PartForm platform={platform} part={part} onChange={(next) => change(i, next)} errorAt={errorAt} at={at} />
                  <Group justify="flex-end"><Button size="compact-sm" variant="default" leftSection={<IconTrash size={14} aria-hidden />} onClick={() => remove(i)}>Remove this payload</Button></Group>
                </Stack>
              </Accordion.Panel>
            </Accordion.Item>
          );
        })}
      </Accordion>
      {adding}
    </Stack>
  );
}

type PartProps = { platform: Platform; part: Part; onChange: (part: Part) => void; errorAt: ErrorAt; at: string };

function PartForm(props: PartProps) {
  const { platform, part, onChange, errorAt, at } = props;
  const known = usePayloadSettings(platform)[part.type] ?? [];
  if (part.type === 'restrictions') return <RestrictionsForm {...props} />;
  if (part.type === 'custom_settings') return <CustomSettingsForm {...props} />;
  const shown = known.filter((setting) => applies(part, setting.key));
  const field = (setting: (typeof shown)[number]) => (
    <SettingField key={setting.key} platform={platform} setting={setting} value={part[setting.key]} onChange={(value) => onChange(withMember(part, setting.key, value))} errorAt={errorAt} at={`${at}/${setting.key}`} part={part} />
  );
  return (
    <>
      <SimpleGrid cols={{ base: 1, sm: 2 }}>{shown.filter(({ kind }) => kind !== 'list').map(field)}</SimpleGrid>
      {shown.filter(({ kind }) => kind === 'list').map(field)}
    </>
  );
}
