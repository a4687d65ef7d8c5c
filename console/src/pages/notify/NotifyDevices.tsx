// Notifies devices: the message appears on each of them.
import { Alert, Button, Group, List, Stack, Switch, Text, Textarea } from '@mantine/core';
import { useForm } from '@mantine/form';
import { IconInfoCircle, IconSend } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { useRef, useState } from 'react';
import { type DeviceFilter, type DeviceNotifications, type DeviceSummary, notifyDevices } from '../../api';
import { listNotificationsQueryKey } from '../../api/@tanstack/react-query.gen';
import { counted } from '../../lib/words';
import { Modal } from '../../ui/Modal';
import { StatusBadge } from '../../ui/badges';
import { newKey } from '../../lib/api';
import { showProblem } from '../../ui/FormModal';
import { Link } from '../../ui/Link';
import { DeviceLink } from '../../ui/names';
import { ErrorState } from '../../ui/states';
import { leftOut } from './eligible';

/** `filter`: all devices that pass it, in place of those named. */
type Props = { devices: DeviceSummary[]; filter?: DeviceFilter; onClose: () => void };

/** Render it while it is open, and only for those who hold the right `notify`. */
export function NotifyDevices({ onClose, ...whom }: Props) {
  const [answer, setAnswer] = useState<DeviceNotifications>();
  return (
    <Modal opened onClose={onClose} title="Notify devices" size="lg">
      {answer ? <Answer answer={answer} onClose={onClose} /> : <Form {...whom} onClose={onClose} onDone={setAnswer} />}
    </Modal>
  );
}

function Form({ devices, filter, onClose, onDone }: Props & { onDone: (answer: DeviceNotifications) => void }) {
  const queries = useQueryClient();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const sent = useRef({ words: '', key: '' });
  const form = useForm({
    initialValues: { own: false, message: '' },
    validate: { message: (message, { own }) => (own && !message.trim() ? 'Enter a message' : null) },
  });
  const without = devices.flatMap((device) => leftOut(device) ?? []).length;
  const reached = devices.length - without;
  const send = async ({ own, message }: { own: boolean; message: string }) => {
    setBusy(true);
    setError(undefined);
    try {
      const body = { ...(filter ? { filter } : { device_ids: devices.map(({ id }) => id) }), message: own ? message.trim() : undefined };
      const words = JSON.stringify(body);
      if (sent.current.words !== words) sent.current = { words, key: newKey() };
      const { data } = await notifyDevices({ body, headers: { 'Idempotency-Key': sent.current.key }, throwOnError: true });
      onDone(data);
      void queries.invalidateQueries({ queryKey: listNotificationsQueryKey() });
    } catch (problem) {
      setError(showProblem(form, problem));
      setBusy(false);
    }
  };
  return (
    <form noValidate onSubmit={form.onSubmit((values) => void send(values))}>
      <Stack>
        <Text>
          {filter ? 'The message is shown in the Messages app of every device that matches the filters, enrolled and active, up to 10,000.' : reached === 0 ? 'None of these devices can be notified.' : `The message is shown in the Messages app of ${counted(reached, 'device')}.`}
        </Text>
        {without > 0 && (
          <Alert color="yellow" icon={<IconInfoCircle aria-hidden />} title={`${counted(without, 'device is', 'devices are')} left out`}>
            <Text size="sm" mb={4}>Only enrolled and active Android and iOS devices are notified.</Text>
            <List size="sm">
              {devices.map((device) => {
                const reason = leftOut(device);
                return reason && <List.Item key={device.id}>{device.friendly_name}: {reason}</List.Item>;
              })}
            </List>
          </Alert>
        )}
        <Switch
          label="Write one message for all" description="Otherwise each device shows what was found on it and what to do."
          {...form.getInputProps('own', { type: 'checkbox' })}
        />
        {form.values.own && <Textarea label="Message" withAsterisk autosize minRows={4} maxRows={12} maxLength={4000} {...form.getInputProps('message')} />}
        {error !== undefined && <ErrorState error={error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>Cancel</Button>
          <Button type="submit" loading={busy} disabled={!filter && reached === 0} leftSection={<IconSend size={16} aria-hidden />}>Send notification</Button>
        </Group>
      </Stack>
    </form>
  );
}

function Answer({ answer: { devices, queued, left_out }, onClose }: { answer: DeviceNotifications; onClose: () => void }) {
  return (
    <Stack>
      <Text role="status">
        {counted(queued, 'device')} will show the message
        {left_out > 0 && `, ${counted(left_out, 'device was', 'devices were')} left out`}.
      </Text>
      <Stack gap="xs" mah="50vh" style={{ overflowY: 'auto' }} tabIndex={0} role="group" aria-label="What became of each device">
        {devices.map(({ device_id, friendly_name, state, reason }) => (
          <Group key={device_id} justify="space-between" align="flex-start" wrap="nowrap">
            <Stack gap={0}>
              <DeviceLink id={device_id}>{friendly_name ?? device_id}</DeviceLink>
              {reason && <Text size="sm" c="dimmed">{reason}</Text>}
            </Stack>
            <StatusBadge status={state} />
          </Group>
        ))}
      </Stack>
      <Group justify="space-between">
        <Link to="/notifications" search={{ channel: 'device_message' }}>All device messages</Link>
        <Button data-autofocus onClick={onClose}>Close</Button>
      </Group>
    </Stack>
  );
}
