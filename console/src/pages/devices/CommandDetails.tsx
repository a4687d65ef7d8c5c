// One command in full: how far it has come, what it says, what the device answered; and taking it back.
import { Button, Code, Group, Stack, Text, Title } from '@mantine/core';
import { IconDownload } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { cancelDeviceCommand, type Device, type DeviceCommand } from '../../api';
import { getDeviceCommandOptions } from '../../api/@tanstack/react-query.gen';
import { useRights } from '../../app/session';
import { newKey } from '../../lib/api';
import { commandName } from '../../lib/commands';
import { download } from '../../lib/download';
import { words } from '../../lib/words';
import { StatusBadge } from '../../ui/badges';
import { ConfirmModal } from '../../ui/ConfirmModal';
import { Loading } from '../../ui/Loading';
import { Drawer } from '../../ui/Modal';
import { Facts } from '../../ui/Section';
import { ErrorState } from '../../ui/states';
import { Time } from '../../ui/Time';
import { toastDone } from '../../ui/toasts';
import { isOpen, mayTakeBack, STATES } from './commands';
import { useRefreshDevice } from './device';

// A list of apps may be long; the rest is in the file.
const SHOWN = 20_000;
const POLL = 10_000;

type Props = { device: Device; id: string; onTakeBack: (command: DeviceCommand) => void; onClose: () => void };

export function CommandDetails({ device, id, onTakeBack, onClose }: Props) {
  const holds = useRights();
  const { data: command, error, refetch } = useQuery({
    ...getDeviceCommandOptions({ path: { id: device.id, command_id: id } }),
    refetchInterval: ({ state }) => (state.data && isOpen(state.data.state) ? POLL : false),
  });
  return (
    <Drawer opened onClose={onClose} position="right" size="lg" title={command ? commandName(command.request_type) : 'Command'} closeButtonProps={{ 'aria-label': 'Close the command' }}>
      {error && <ErrorState error={error} onRetry={() => void refetch()} />}
      {!command && !error && <Loading />}
      {command && (
        <Stack>
          <Group gap="xs"><StatusBadge status={command.state} /><Text size="sm">{STATES[command.state]}</Text></Group>
          <Facts
            facts={[
              ['The platform’s name', command.request_type],
              ['Given by', `${command.requested_by.name} (${words(command.requested_by.kind).toLowerCase()})`],
              ['Given', <Time key="given" at={command.created_at} />],
              [isOpen(command.state) ? 'Ends' : 'Was to end', <Time key="ends" at={command.expires_at} />],
              ['Handed over last', <Time key="sent" at={command.sent_at} />],
              ['Answered', <Time key="answered" at={command.answered_at} />],
              [command.state === 'cancelled' || command.state === 'superseded' ? 'Why, or what the device said all the same' : 'The device’s words', command.detail],
              ['Id', command.id],
            ]}
          />
          {isOpen(command.state) && mayTakeBack(command.request_type, holds) && <Group><Button variant="default" onClick={() => onTakeBack(command)}>Take back</Button></Group>}
          <Said title="What the device answered" name={`answer-${command.id}`} said={command.answer} nothing="Nothing yet." />
          {holds('send_raw_commands') && <Said title="What the command says" name={`command-${command.id}`} said={command.payload} nothing="It cannot be shown." />}
        </Stack>
      )}
    </Drawer>
  );
}

function Said({ title, name, said, nothing }: { title: string; name: string; said: object | null; nothing: string }) {
  const text = said && JSON.stringify(said, null, 2);
  return (
    <Stack gap="xs" component="section" aria-label={title}>
      <Group justify="space-between">
        <Title order={2} size="h6">{title}</Title>
        {text && (
          <Button
            size="compact-xs" variant="default" leftSection={<IconDownload size={14} aria-hidden />} aria-label={`Download: ${title}`}
            onClick={() => download(`${name}.json`, new Blob([text], { type: 'application/json' }))}
          >
            Download
          </Button>
        )}
      </Group>
      {text ? (
        <>
          <Code block tabIndex={0} mah={420} style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere', overflowY: 'auto' }}>{text.slice(0, SHOWN)}</Code>
          {text.length > SHOWN && <Text size="sm" c="dimmed">This is the beginning; all of it is in the file.</Text>}
        </>
      ) : (
        <Text size="sm">{nothing}</Text>
      )}
    </Stack>
  );
}

export function TakeBack({ device, command, onClose }: { device: Device; command: DeviceCommand; onClose: () => void }) {
  const refresh = useRefreshDevice(device.id);
  const name = commandName(command.request_type);
  const takeBack = async () => {
    await cancelDeviceCommand({ path: { id: device.id, command_id: command.id }, headers: { 'Idempotency-Key': newKey() }, throwOnError: true });
    toastDone(`${name} taken back`);
    await refresh();
  };
  return (
    <ConfirmModal title={`Take back ${name}`} confirmLabel="Take back" onConfirm={takeBack} onClose={onClose}>
      <Text size="sm">
        {command.sent_at === null
          ? `${device.friendly_name} is not given it any more, and never was.`
          : `${device.friendly_name} is not given it any more. It was given it already and may carry it out all the same; what it answers then is shown beside.`}
      </Text>
    </ConfirmModal>
  );
}
