// How Apple devices are managed: the push certificate, whose certificates of devices are believed, and which algorithms are taken.
import { Alert, Skeleton, Stack, Text } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { getAppleMdmOptions } from '../../api/@tanstack/react-query.gen';
import { Link } from '../../ui/Link';
import { PageHeader } from '../../ui/PageHeader';
import { ErrorState } from '../../ui/states';
import { SettingsTabs } from '../settings/SettingsTabs';
import { AppleForm } from './AppleForm';
import { RemovePushCertificate, RequestPushCertificate } from './PushCertificate';

// Fetched once for a visit: what others save meanwhile must not take away what is being entered.
const ONCE = { staleTime: Infinity, gcTime: 0, refetchOnReconnect: false };

export default function AppleDevices() {
  const { data, error, refetch } = useQuery({ ...getAppleMdmOptions(), ...ONCE });
  const [dialog, setDialog] = useState<'request' | 'remove'>();
  const [lost, setLost] = useState(false);
  const close = () => setDialog(undefined);
  return (
    <Stack gap="sm" maw={860}>
      <PageHeader
        title="Apple devices"
        description={<span className="in-text">How iPhones and iPads are managed by Apple’s own protocol. People put a device under management by a link: <Link to="/enrollment">Enrollment</Link>.</span>}
      />
      <SettingsTabs />
      {lost && (
        <Alert color="red" icon={<IconAlertTriangle aria-hidden />} title={<Text span inherit c="var(--mantine-color-text)">The topic has changed</Text>} withCloseButton closeButtonLabel="Close" onClose={() => setLost(false)}>
          Devices that enrolled before cannot be woken by this certificate: they have to enroll again. If you have renewed a certificate, it was another one, or another Apple account: upload the
          right one instead.
        </Alert>
      )}
      {error && !data ? (
        <ErrorState error={error} onRetry={() => void refetch()} />
      ) : data ? (
        <AppleForm key={data.version} saved={data} onDialog={setDialog} onLost={() => setLost(true)} />
      ) : (
        <Skeleton h={400} />
      )}
      {dialog === 'request' && data && <RequestPushCertificate saved={data} onClose={close} />}
      {dialog === 'remove' && data && <RemovePushCertificate saved={data} onClose={close} />}
    </Stack>
  );
}
