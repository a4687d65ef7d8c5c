// How the tenant is served: Threat Management, notifications of users, compliance, scores, sources.
import { useQuery } from '@tanstack/react-query';
import { Skeleton, Stack } from '@mantine/core';
import type { Entry } from '../../api';
import { getSettingsOptions } from '../../api/@tanstack/react-query.gen';
import { LivePill } from '../../ui/LivePill';
import { PageHeader } from '../../ui/PageHeader';
import { ErrorState } from '../../ui/states';
import { SettingsForm } from './SettingsForm';
import { SettingsTabs } from './SettingsTabs';

const concernsSettings = (entry: Entry) => entry.object?.kind === 'settings';

export default function SettingsPage() {
  const query = useQuery({ ...getSettingsOptions(), staleTime: 0 });
  return (
    <Stack gap="sm" maw={860}>
      <PageHeader title="Settings" description="They hold for all devices and users of the customer.">
        <LivePill query={query} concerns={concernsSettings} />
      </PageHeader>
      <SettingsTabs />
      {query.error && <ErrorState error={query.error} onRetry={() => void query.refetch()} />}
      {!query.data && !query.error && <Skeleton h={400} />}
      {query.data && <SettingsForm answer={query.data} />}
    </Stack>
  );
}
