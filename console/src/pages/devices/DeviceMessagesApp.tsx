// Brings the owner of a device to the Messages app: a one-time link, made and shown once, as a QR code to scan.
import { Button, Group, Stack, Text } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useRef, useState } from 'react';
import { createMessagesLink, type Device, type MessagesLink } from '../../api';
import { CopyField } from '../../ui/CopyField';
import { FormModal } from '../../ui/FormModal';
import { Modal } from '../../ui/Modal';
import { QrCode } from '../../ui/QrCode';
import { ShownOnce } from '../../ui/ShownOnce';
import { Time } from '../../ui/Time';

type Props = { device: Device; onClose: () => void };

export function DeviceMessagesApp({ device, onClose }: Props) {
  const [made, setMade] = useState<MessagesLink>();
  return made ? <MadeLink device={device} link={made} onClose={onClose} /> : <LinkForm device={device} onMade={setMade} onClose={onClose} />;
}

function LinkForm({ device, onMade, onClose }: Props & { onMade: (link: MessagesLink) => void }) {
  const form = useForm({ initialValues: {} });
  const made = useRef<MessagesLink>(undefined);
  const make = async (_: object, key: string) => {
    const { data } = await createMessagesLink({ path: { id: device.id }, headers: { 'Idempotency-Key': key }, throwOnError: true });
    made.current = data;
  };
  return (
    <FormModal title={`Messages app for ${device.friendly_name}`} form={form} submitLabel="Make a link" onSubmit={make} onClose={() => (made.current ? onMade(made.current) : onClose())}>
      <Text size="sm">
        In the Messages app the device's owner sees its state, what to do about each issue and the messages sent to it, and can have it checked again. It is opened by a link, and can
        be put on the home screen.
      </Text>
    </FormModal>
  );
}

function MadeLink({ device, link, onClose }: Props & { link: MessagesLink }) {
  return (
    <Modal opened onClose={onClose} title={`Messages app for ${device.friendly_name}`}>
      <Stack>
        <ShownOnce>Whoever opens it first sees this device's state and messages. It works once, and ends <Time at={link.expires_at} />.</ShownOnce>
        <Group justify="center"><QrCode value={link.url} label={`QR code that opens the Messages app for ${device.friendly_name}`} /></Group>
        <Text size="sm">Scan it with the camera of the device, or open the link there.</Text>
        <CopyField label="Link" value={link.url} />
        <Group justify="flex-end"><Button onClick={onClose}>Done</Button></Group>
      </Stack>
    </Modal>
  );
}
