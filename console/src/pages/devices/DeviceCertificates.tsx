// The certificates by which a device under Apple's management shows who it is, and taking that from one.
import { Button, Group, Stack, Text } from '@mantine/core';
import { IconCheck, IconClock, IconX } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { type Device, type DeviceCertificate, revokeDeviceCertificate } from '../../api';
import { listDeviceCertificatesOptions } from '../../api/@tanstack/react-query.gen';
import { useRights } from '../../app/session';
import { newKey } from '../../lib/api';
import { Badge, type Look } from '../../ui/badges';
import { ConfirmModal } from '../../ui/ConfirmModal';
import { Section } from '../../ui/Section';
import { ShortTable } from '../../ui/ShortTable';
import { ErrorState } from '../../ui/states';
import { Time } from '../../ui/Time';
import { toastDone } from '../../ui/toasts';
import { certificateState } from './certificates';
import { useRefreshDevice } from './device';

const LOOKS: Record<ReturnType<typeof certificateState>, { look: Look; word: string }> = {
  good: { look: ['good', IconCheck], word: 'Good' },
  not_yet: { look: ['info', IconClock], word: 'Not good yet' },
  expired: { look: ['neutral', IconClock], word: 'Expired' },
  revoked: { look: ['bad', IconX], word: 'Revoked' },
};

export function DeviceCertificates({ device }: { device: Device }) {
  const mayManage = useRights()('manage_devices');
  const [revoking, setRevoking] = useState<DeviceCertificate>();
  const { data, error, refetch } = useQuery(listDeviceCertificatesOptions({ path: { id: device.id } }));
  return (
    <Section title="Certificates">
      {error && <ErrorState error={error} onRetry={() => void refetch()} />}
      {!(error && !data) && (
        <ShortTable<DeviceCertificate>
          label="Certificates"
          rows={data?.items}
          columns={[
            {
              key: 'state',
              title: 'State',
              render: (certificate) => {
                const { look, word } = LOOKS[certificateState(certificate, Date.now())];
                return <Stack gap={2} align="flex-start"><Badge look={look} text={word} />{certificate.revoked_at && <Text size="xs" c="dimmed"><Time at={certificate.revoked_at} /></Text>}</Stack>;
              },
            },
            { key: 'ends', title: 'Ends', render: ({ not_after }) => <Time at={not_after} /> },
            { key: 'issuer', title: 'Issued by', render: ({ issuer, own }) => <Stack gap={2} style={{ whiteSpace: 'normal' }}><span>{own ? 'This server' : issuer}</span>{own && <Text size="xs" c="dimmed">{issuer}</Text>}</Stack> },
            { key: 'created', title: 'Since', render: ({ created_at }) => <Time at={created_at} /> },
            { key: 'fingerprint', title: 'SHA-256', render: ({ fingerprint }) => <span title={fingerprint}>{fingerprint.slice(0, 16)}…</span> },
            {
              key: 'actions',
              title: '',
              render: (certificate) =>
                mayManage && certificateState(certificate, Date.now()) !== 'revoked' && (
                  <Group justify="flex-end"><Button size="compact-xs" variant="default" aria-label={`Revoke the certificate ${certificate.fingerprint.slice(0, 16)}`} onClick={() => setRevoking(certificate)}>Revoke</Button></Group>
                ),
            },
          ]}
          idOf={({ fingerprint }) => fingerprint}
          empty={<Text size="sm">None. A device has one once it is managed by Apple’s protocol.</Text>}
        />
      )}
      {revoking && <Revoke device={device} certificate={revoking} onClose={() => setRevoking(undefined)} />}
    </Section>
  );
}

function Revoke({ device, certificate, onClose }: { device: Device; certificate: DeviceCertificate; onClose: () => void }) {
  const refresh = useRefreshDevice(device.id);
  const revoke = async () => {
    await revokeDeviceCertificate({ path: { id: device.id, fingerprint: certificate.fingerprint }, headers: { 'Idempotency-Key': newKey() }, throwOnError: true });
    toastDone(`Certificate of ${device.friendly_name} revoked`);
    await refresh();
  };
  return (
    <ConfirmModal title="Revoke the certificate" confirmLabel="Revoke certificate" typed={device.friendly_name} onConfirm={revoke} onClose={onClose}>
      <Text size="sm">
        {device.friendly_name} is not heard with it any more: it gets no profiles, commands or removals by Apple’s management until it enrolls again. What is on it stays on it. To take that off,
        unenroll the device instead.
      </Text>
    </ConfirmModal>
  );
}
