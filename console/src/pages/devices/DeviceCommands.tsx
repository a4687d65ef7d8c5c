// What administrators had a device do, newest first, and having it do something. What profiles ask of it is in the overview.
import { Button, Group, Menu, Stack, Text } from '@mantine/core';
import { IconChevronDown } from '@tabler/icons-react';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import type { Device, DeviceCommand } from '../../api';
import { listDeviceCommandsOptions } from '../../api/@tanstack/react-query.gen';
import { useRights } from '../../app/session';
import { commandName } from '../../lib/commands';
import { useListSearch } from '../../lib/list';
import { StatusBadge } from '../../ui/badges';
import { type Column, DataTable } from '../../ui/DataTable';
import { Here, usePatch } from '../../ui/Here';
import { EmptyState } from '../../ui/states';
import { Time } from '../../ui/Time';
import { COMMAND_RIGHTS, isOpen, mayTakeBack, type Offer, offers, takesNone } from './commands';
import { CommandDetails, TakeBack } from './CommandDetails';
import { GiveCommand } from './GiveCommand';
import { commandSearch } from './search';

// That a command was handed over is not in the journal.
const POLL = 10_000;

export default function DeviceCommands({ device }: { device: Device }) {
  const path = { id: device.id };
  const list = useListSearch(commandSearch);
  const holds = useRights();
  const patch = usePatch();
  const { command: shown } = useSearch({ strict: false }) as { command?: string };
  const [giving, setGiving] = useState<Offer>();
  const [takingBack, setTakingBack] = useState<DeviceCommand>();
  const query = useQuery({
    ...listDeviceCommandsOptions({ path, query: list.query }),
    placeholderData: keepPreviousData,
    refetchInterval: ({ state }) => (state.data?.items.some(({ state: it }) => isOpen(it)) ? POLL : false),
  });
  const mayLookInto = COMMAND_RIGHTS.some(holds);
  const columns: Column<DeviceCommand, never>[] = [
    {
      key: 'command',
      title: 'Command',
      render: ({ id, request_type }) => (mayLookInto ? <Here patch={{ command: id }}>{commandName(request_type)}</Here> : commandName(request_type)),
    },
    { key: 'state', title: 'State', render: ({ state }) => <StatusBadge status={state} /> },
    { key: 'given', title: 'Given', render: ({ created_at }) => <Time at={created_at} /> },
    { key: 'by', title: 'By', render: ({ requested_by }) => requested_by.name },
    { key: 'sent', title: 'Handed over', render: ({ sent_at }) => <Time at={sent_at} /> },
    { key: 'answered', title: 'Answered', render: ({ answered_at }) => <Time at={answered_at} /> },
    { key: 'detail', title: 'In its words', render: ({ detail }) => <span style={{ whiteSpace: 'normal' }}>{detail ?? '–'}</span> },
    {
      key: 'actions',
      title: '',
      render: (command) =>
        isOpen(command.state) && mayTakeBack(command.request_type, holds) && (
          <Group justify="flex-end"><Button size="compact-xs" variant="default" aria-label={`Take back ${commandName(command.request_type)}`} onClick={() => setTakingBack(command)}>Take back</Button></Group>
        ),
    },
  ];
  const none = takesNone(device);
  return (
    <Stack gap="sm">
      <Group justify="space-between" align="flex-start" gap="sm">
        <Text size="sm" c="dimmed" maw={640}>
          {none ?? <>A command waits until the device comes, and is handed over until the device answers. Last contact <Time at={device.last_contact} />.</>}
        </Text>
        <Give device={device} onChoose={setGiving} />
      </Group>
      <DataTable
        label="Commands"
        list={list}
        query={query}
        columns={columns}
        idOf={({ id }) => id}
        nameOf={({ request_type, created_at }) => `${commandName(request_type)} of ${created_at}`}
        empty={<EmptyState title="No commands yet">What this device is told to do by people is listed here, with what came of it.</EmptyState>}
      />
      {giving && <GiveCommand device={device} offer={giving} onClose={() => setGiving(undefined)} />}
      {takingBack && <TakeBack device={device} command={takingBack} onClose={() => setTakingBack(undefined)} />}
      {shown && mayLookInto && <CommandDetails device={device} id={shown} onTakeBack={setTakingBack} onClose={() => patch({ command: undefined })} />}
    </Stack>
  );
}

function Give({ device, onChoose }: { device: Device; onChoose: (offer: Offer) => void }) {
  const groups = offers(device, useRights());
  if (groups.length === 0) return null;
  return (
    <Menu position="bottom-end" width={360}>
      <Menu.Target><Button rightSection={<IconChevronDown size={14} aria-hidden />}>Give a command</Button></Menu.Target>
      <Menu.Dropdown mah="min(420px, 40dvh)" style={{ overflowY: 'auto' }}>
        {groups.map((group) => [
          <Menu.Label key={group.label} c="dimmed">{group.label}</Menu.Label>,
          ...group.offers.map((offer) => (
            <Menu.Item key={offer.kind} disabled={Boolean(offer.not)} onClick={() => onChoose(offer)}>
              {offer.label}
              <Text size="xs" c={offer.not ? undefined : 'dimmed'}>{offer.not ?? offer.text}</Text>
            </Menu.Item>
          )),
        ])}
      </Menu.Dropdown>
    </Menu>
  );
}
