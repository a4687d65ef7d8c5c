// Ends the management of a device, or forgets it altogether. Neither can be undone from here.
import { List, Text } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { deleteDevice, type Device, unenrollDevice } from '../../api';
import { listDevicesQueryKey } from '../../api/@tanstack/react-query.gen';
import { newKey } from '../../lib/api';
import { counted } from '../../lib/words';
import { ConfirmModal } from '../../ui/ConfirmModal';
import { toastDone } from '../../ui/toasts';
import { useRefreshDevice } from './device';
import { unenrolling } from './unenrolling';

type Props = { device: Device; onClose: () => void };

export function UnenrollDevice({ device, onClose }: Props) {
  const refresh = useRefreshDevice(device.id);
  const unenroll = async () => {
    await unenrollDevice({ path: { id: device.id }, headers: { 'Idempotency-Key': newKey() }, throwOnError: true });
    toastDone(`${device.friendly_name} unenrolled`);
    await refresh();
  };
  const { goes, stays, when } = unenrolling(device);
  return (
    <ConfirmModal title={`Unenroll ${device.friendly_name}`} confirmLabel="Unenroll" typed={device.friendly_name} onConfirm={unenroll} onClose={onClose}>
      <Text size="sm">The management of this device ends. To manage it again, it has to be enrolled with a new token. {when}</Text>
      <Points title="What goes" points={goes} />
      <Points title="What stays" points={stays} />
    </ConfirmModal>
  );
}

const Points = ({ title, points }: { title: string; points: string[] }) => (
  <div role="group" aria-label={title}>
    <Text size="sm" fw={600}>{title}</Text>
    <List size="sm">{points.map((point) => <List.Item key={point}>{point}</List.Item>)}</List>
  </div>
);

export function DeleteDevice({ device, onClose }: Props) {
  const queries = useQueryClient();
  const navigate = useNavigate();
  const remove = async () => {
    await deleteDevice({ path: { id: device.id }, throwOnError: true });
    toastDone(`${device.friendly_name} deleted`);
    await navigate({ to: '/devices' });
    await queries.invalidateQueries({ queryKey: listDevicesQueryKey() });
  };
  return (
    <ConfirmModal title={`Delete ${device.friendly_name}`} confirmLabel="Delete device" typed={device.friendly_name} onConfirm={remove} onClose={onClose}>
      <Text size="sm">The device and everything kept about it but its journal is deleted for good:</Text>
      <List size="sm">
        <List.Item>{counted(device.open_threats.length, 'open threat')} and all earlier ones</List.Item>
        <List.Item>{counted(device.tags.length, 'tag')}, its place in {counted(device.smart_groups.length, 'smart group')}</List.Item>
        <List.Item>the record of {counted(device.profiles.length, 'profile')}; what is on the device itself stays there, so unenroll it first to have managed profiles taken off</List.Item>
      </List>
    </ConfirmModal>
  );
}
