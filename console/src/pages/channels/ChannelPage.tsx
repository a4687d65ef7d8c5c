// The page of a channel: what messages to people are sent by, or devices are told by.
import { Skeleton, Stack } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { getApnsChannelOptions, getEmailChannelOptions, getFcmChannelOptions, getSmsChannelOptions } from '../../api/@tanstack/react-query.gen';
import { PageHeader } from '../../ui/PageHeader';
import { ErrorState } from '../../ui/states';
import { SettingsTabs } from '../settings/SettingsTabs';
import { ApnsForm } from './ApnsForm';
import { EmailForm } from './EmailForm';
import { FcmForm } from './FcmForm';
import { SmsForm } from './SmsForm';

// Fetched once for a visit: what others save meanwhile must not take away what is being entered.
const ONCE = { staleTime: Infinity, gcTime: 0, refetchOnReconnect: false };

export function Email() {
  const { data, error, refetch } = useQuery({ ...getEmailChannelOptions(), ...ONCE });
  return (
    <Page title="Email" description="The relays that mails to people are sent by.">
      {error && !data ? <ErrorState error={error} onRetry={() => void refetch()} /> : data ? <EmailForm key={data.version} saved={data} /> : <Skeleton h={400} />}
    </Page>
  );
}

export function Sms() {
  const { data, error, refetch } = useQuery({ ...getSmsChannelOptions(), ...ONCE });
  return (
    <Page title="SMS" description="The way that text messages to people are sent by.">
      {error && !data ? <ErrorState error={error} onRetry={() => void refetch()} /> : data ? <SmsForm key={data.version} saved={data} /> : <Skeleton h={400} />}
    </Page>
  );
}

export function Apns() {
  const { data, error, refetch } = useQuery({ ...getApnsChannelOptions(), ...ONCE });
  return (
    <Page title="Apple push" description="How agents on iPhones and iPads are woken, and their owners shown messages.">
      {error && !data ? <ErrorState error={error} onRetry={() => void refetch()} /> : data ? <ApnsForm key={data.version} saved={data} /> : <Skeleton h={400} />}
    </Page>
  );
}

export function Fcm() {
  const { data, error, refetch } = useQuery({ ...getFcmChannelOptions(), ...ONCE });
  return (
    <Page title="Google push" description="How agents on Android are woken, and their owners shown messages.">
      {error && !data ? <ErrorState error={error} onRetry={() => void refetch()} /> : data ? <FcmForm key={data.version} saved={data} /> : <Skeleton h={400} />}
    </Page>
  );
}

function Page({ title, description, children }: { title: string; description: string; children: ReactNode }) {
  return (
    <Stack gap="sm" maw={860}>
      <PageHeader title={title} description={description} />
      <SettingsTabs />
      {children}
    </Stack>
  );
}
