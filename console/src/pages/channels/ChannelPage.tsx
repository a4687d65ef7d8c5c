// The page of a channel: what messages to people are sent by. Without it, messages are captured.
import { Skeleton, Stack } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { getEmailChannelOptions, getSmsChannelOptions } from '../../api/@tanstack/react-query.gen';
import { PageHeader } from '../../ui/PageHeader';
import { ErrorState } from '../../ui/states';
import { SettingsTabs } from '../settings/SettingsTabs';
import { EmailForm } from './EmailForm';
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

function Page({ title, description, children }: { title: string; description: string; children: ReactNode }) {
  return (
    <Stack gap="sm" maw={860}>
      <PageHeader title={title} description={description} />
      <SettingsTabs />
      {children}
    </Stack>
  );
}
