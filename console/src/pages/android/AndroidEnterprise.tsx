// How Android devices are managed by Google: the service account, the enterprise, and how news comes.
import { Skeleton, Stack } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { getAndroidEnterpriseOptions } from '../../api/@tanstack/react-query.gen';
import { Link } from '../../ui/Link';
import { PageHeader } from '../../ui/PageHeader';
import { ErrorState } from '../../ui/states';
import { SettingsTabs } from '../settings/SettingsTabs';
import { AndroidForm } from './AndroidForm';
import { Forget, SignUp } from './SignUp';

// Fetched once for a visit: what others save meanwhile must not take away what is being entered.
const ONCE = { staleTime: Infinity, gcTime: 0, refetchOnReconnect: false };
const POLL = 5_000;

export default function AndroidEnterprisePage() {
  const { data, error, refetch } = useQuery({ ...getAndroidEnterpriseOptions(), ...ONCE, refetchInterval: ({ state }) => (state.data?.state.state === 'waiting' ? POLL : false) });
  const [dialog, setDialog] = useState<'sign-up' | 'forget'>();
  const close = () => setDialog(undefined);
  return (
    <Stack gap="sm" maw={860}>
      <PageHeader
        title="Android enterprise"
        description={<span className="in-text">How Android devices are managed by Google’s Android Management API. Devices enroll by a QR code: <Link to="/enrollment">Enrollment</Link>.</span>}
      />
      <SettingsTabs />
      {error && !data ? (
        <ErrorState error={error} onRetry={() => void refetch()} />
      ) : data ? (
        <AndroidForm key={data.version} saved={data} onDialog={setDialog} />
      ) : (
        <Skeleton h={400} />
      )}
      {dialog === 'sign-up' && <SignUp onClose={close} />}
      {dialog === 'forget' && data && <Forget saved={data} onClose={close} />}
    </Stack>
  );
}
