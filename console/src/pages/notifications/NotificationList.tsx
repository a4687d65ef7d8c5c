// Who was told what, by whom, and what became of it.
import { Group, SegmentedControl, Stack, Text, TextInput, UnstyledButton } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { type Entry, listNotifications, type Notification } from '../../api';
import { getDeviceOptions, listDevicesOptions, listNotificationsOptions } from '../../api/@tanstack/react-query.gen';
import { useScope } from '../../app/scope';
import { Allowed } from '../../app/session';
import { useListSearch } from '../../lib/list';
import { words } from '../../lib/words';
import { StatusBadge } from '../../ui/badges';
import { type Column, DataTable } from '../../ui/DataTable';
import { ExportButton } from '../../ui/ExportButton';
import { type Filter, FilterBar, type Option } from '../../ui/FilterBar';
import { Link } from '../../ui/Link';
import { LivePill } from '../../ui/LivePill';
import { pickUser } from '../../ui/names';
import { PageHeader } from '../../ui/PageHeader';
import { EmptyState } from '../../ui/states';
import { Time } from '../../ui/Time';
import { NotificationDetails } from './NotificationDetails';
import { Recipient } from './Recipient';
import { CHANNELS, notificationSearch, STATES, TRIGGERS } from './search';
import { SendAllAgain } from './SendAllAgain';
import { TRIGGER } from './words';

const route = getRouteApi('/shell/notifications');

const pickDevice = {
  kind: 'pick' as const,
  useOptions: (typed: string): Option[] => {
    const [q] = useDebouncedValue(typed.trim(), 250);
    const { data } = useQuery(listDevicesOptions({ query: { q: q || undefined, limit: 20 } }));
    return (data?.items ?? []).map(({ id, friendly_name }) => ({ value: id, label: friendly_name }));
  },
  useName: (id: string) => useQuery({ ...getDeviceOptions({ path: { id } }), enabled: Boolean(id) }).data?.friendly_name,
};

const FILTERS: Filter<keyof ReturnType<typeof notificationSearch.readFilters>>[] = [
  { key: 'channel', label: 'Channel', atHand: true, kind: 'one', values: CHANNELS },
  { key: 'state', label: 'State', atHand: true, kind: 'one', values: STATES },
  { key: 'trigger', label: 'Trigger', atHand: true, kind: 'one', values: TRIGGERS },
  { key: 'user_id', label: 'User', ...pickUser },
  { key: 'device_id', label: 'Device', ...pickDevice },
];

const CSV = (['id', 'created_at', 'created_by', 'trigger', 'channel', 'recipient', 'address', 'subject', 'body', 'state', 'reason', 'changed_at'] as const)
  .map((key) => ({ title: key, value: (n: Notification) => n[key] }));

const concernsNotifications = (entry: Entry) => entry.changes.some(({ type }) => type === 'notified');

export default function NotificationList() {
  const list = useListSearch(notificationSearch);
  const { og } = useScope();
  const { notification } = route.useSearch();
  const navigate = useNavigate();
  const asked = { ...list.query, sort: list.query.sort ?? ('-created_at' as const), organization_group_id: og };
  const query = useQuery({ ...listNotificationsOptions({ query: asked }), placeholderData: keepPreviousData });
  const shown = { ...list, sortedBy: list.sortedBy ?? ('created_at' as const), descending: list.sortedBy ? list.descending : true };
  const show = (id: string | undefined) => void navigate({ to: '.', search: ((now: object) => ({ ...now, notification: id })) as never, state: (now) => now, replace: true });
  const failed = list.filters.state === 'failed';
  const { state: _, device_id: __, ...retried } = list.filters;
  const columns: Column<Notification, 'created_at'>[] = [
    { key: 'at', title: 'Made', sort: 'created_at', descendingFirst: true, render: (n) => <Time at={n.created_at} /> },
    { key: 'recipient', title: 'Recipient', render: (n) => <Recipient of={n} /> },
    { key: 'channel', title: 'Channel', render: (n) => words(n.channel) },
    { key: 'address', title: 'Address', render: (n) => n.address ?? '–' },
    { key: 'state', title: 'State', render: (n) => <StatusBadge status={n.state} /> },
    {
      key: 'message', title: 'Message',
      render: (n) => (
        <UnstyledButton aria-haspopup="dialog" aria-label={`${n.subject ?? (n.body.split('\n')[0] || n.reason || 'Details')} (to ${n.recipient})`} maw={320} onClick={() => show(n.id)}>
          <Text span size="sm" truncate display="block" c="var(--mantine-color-anchor)">{n.subject ?? (n.body.split('\n')[0] || n.reason || 'Details')}</Text>
        </UnstyledButton>
      ),
    },
    { key: 'trigger', title: 'Trigger', render: (n) => TRIGGER[n.trigger] },
    { key: 'by', title: 'By', render: (n) => n.created_by },
  ];
  return (
    <Stack gap="sm">
      <PageHeader title="Notifications" description="Who was told what, by whom, and what became of it.">
        <LivePill query={query} concerns={concernsNotifications} />
        <ExportButton name="notifications" columns={CSV} fetchPage={(cursor) => listNotifications({ query: { ...asked, limit: 500, cursor }, throwOnError: true })} />
      </PageHeader>
      <Group gap="sm">
        <SegmentedControl
          aria-label="Which notifications"
          data={[{ value: 'all', label: 'All' }, { value: 'failed', label: 'Failed' }]}
          value={failed ? 'failed' : 'all'}
          onChange={(value) => list.setFilters({ state: value === 'failed' ? 'failed' : undefined })}
        />
        {failed && <Allowed right="notify"><SendAllAgain filter={retried} byDevice={Boolean(list.filters.device_id)} /></Allowed>}
      </Group>
      <FilterBar list={list} filters={FILTERS} />
      <TextInput
        type="date" label="Made since" w={170}
        value={list.filters.since?.slice(0, 10) ?? ''}
        onChange={({ currentTarget: { value } }) => list.setFilters({ since: value ? `${value}T00:00:00Z` : undefined })}
      />
      <DataTable
        label="Notifications"
        list={shown}
        query={query}
        columns={columns}
        idOf={(n) => n.id}
        nameOf={(n) => n.recipient}
        empty={<EmptyState title="Nobody was notified yet" action={<Link to="/risk/users">User List</Link>}>Notify a user from the User List, or devices from a user’s Summary View.</EmptyState>}
      />
      {notification && <NotificationDetails id={notification} onClose={() => show(undefined)} />}
    </Stack>
  );
}
