// All devices: filtered, sorted and paged by the server.
import { Button, Menu, Stack } from '@mantine/core';
import { IconSend } from '@tabler/icons-react';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { type DeviceFilter, type DeviceSummary, type Entry, listDevices } from '../../api';
import { listDevicesOptions } from '../../api/@tanstack/react-query.gen';
import { useScope } from '../../app/scope';
import { useRights } from '../../app/session';
import { useListSearch } from '../../lib/list';
import { counted, words } from '../../lib/words';
import { RISK_LEVELS, RiskBadge, StatusBadge } from '../../ui/badges';
import { type Column, DataTable } from '../../ui/DataTable';
import { ExportButton } from '../../ui/ExportButton';
import { type Filter, FilterBar } from '../../ui/FilterBar';
import { LivePill } from '../../ui/LivePill';
import { DeviceLink, OrganizationGroupName, pickProfile, pickSmartGroup, pickTag, pickUser, UserLink } from '../../ui/names';
import { PageHeader } from '../../ui/PageHeader';
import { useSelection } from '../../ui/selection';
import { EmptyState } from '../../ui/states';
import { Time } from '../../ui/Time';
import { NotifyDevices } from '../notify/NotifyDevices';
import {
  COMPLIANCES, deviceSearch, ENROLLMENT_STATUSES, OWNERSHIPS, PLATFORMS, PROFILE_STATUSES, PROTECTION_STATUSES,
} from './search';

type Sort = (typeof deviceSearch.sorts)[number];

const COLUMNS: Column<DeviceSummary, Sort>[] = [
  { key: 'risk', title: 'Risk', sort: 'risk_level', descendingFirst: true, render: (d) => <RiskBadge level={d.risk_level} /> },
  { key: 'name', title: 'Name', sort: 'friendly_name', render: (d) => <DeviceLink id={d.id}>{d.friendly_name}</DeviceLink> },
  { key: 'user', title: 'User', render: (d) => (d.user ? <UserLink id={d.user.id}>{d.user.name}</UserLink> : '–') },
  { key: 'platform', title: 'Platform', render: (d) => `${words(d.platform)} ${d.os_version ?? ''}` },
  { key: 'compliance', title: 'Compliance', render: (d) => <StatusBadge status={d.compliance} /> },
  { key: 'protection', title: 'Protection', render: (d) => <StatusBadge status={d.protection_status} /> },
  { key: 'group', title: 'Organization group', render: (d) => <OrganizationGroupName id={d.organization_group_id} /> },
  { key: 'score', title: 'Score', sort: 'score', descendingFirst: true, render: (d) => Math.round(d.score) },
  { key: 'contact', title: 'Last contact', render: (d) => <Time at={d.last_contact} /> },
  { key: 'created', title: 'Added', sort: 'created_at', descendingFirst: true, render: (d) => <Time at={d.created_at} /> },
];

const FILTERS: Filter<keyof ReturnType<typeof deviceSearch.readFilters>>[] = [
  { key: 'q', label: 'Search', atHand: true, kind: 'search', placeholder: 'Name or serial number' },
  { key: 'risk_level', label: 'Risk', atHand: true, kind: 'many', values: RISK_LEVELS },
  { key: 'risky', label: 'With a score above 0', kind: 'flag' },
  { key: 'platform', label: 'Platform', atHand: true, kind: 'one', values: PLATFORMS },
  { key: 'compliance', label: 'Compliance', atHand: true, kind: 'one', values: COMPLIANCES },
  { key: 'protection_status', label: 'Protection', kind: 'many', values: PROTECTION_STATUSES },
  { key: 'enrollment_status', label: 'Enrollment', kind: 'many', values: ENROLLMENT_STATUSES },
  { key: 'ownership', label: 'Ownership', kind: 'one', values: OWNERSHIPS },
  { key: 'user_id', label: 'User', ...pickUser },
  { key: 'tag_id', label: 'Tag', ...pickTag },
  { key: 'smart_group_id', label: 'Smart group', ...pickSmartGroup },
  { key: 'profile_id', label: 'Profile', ...pickProfile },
  { key: 'profile_status', label: 'Profile status', kind: 'many', values: PROFILE_STATUSES },
  { key: 'manufacturer', label: 'Manufacturer', kind: 'text' },
  { key: 'model', label: 'Model', kind: 'text' },
  { key: 'os_version', label: 'OS version', kind: 'text' },
];

const FACTS = [
  ...(['id', 'friendly_name', 'platform', 'os_version', 'manufacturer', 'model', 'serial_number', 'ownership'] as const),
  ...(['enrollment_status', 'risk_level', 'compliance', 'protection_status', 'score', 'open_threat_count', 'last_contact'] as const),
].map((key) => ({ title: key, value: (d: DeviceSummary) => d[key] }));
const CSV = [...FACTS, { title: 'user', value: (d: DeviceSummary) => d.user?.name }];

const idOf = (d: DeviceSummary) => d.id;
const concernsDevices = (entry: Entry) => Boolean(entry.device_id);

export default function DeviceList() {
  const list = useListSearch(deviceSearch);
  const { og } = useScope();
  const asked = { ...list.query, organization_group_id: og };
  const query = useQuery({ ...listDevicesOptions({ query: asked }), placeholderData: keepPreviousData });
  const mayNotify = useRights()('notify');
  const selection = useSelection(idOf);
  const [notifying, setNotifying] = useState<{ devices: DeviceSummary[]; filter?: DeviceFilter }>();
  const filter: DeviceFilter = { ...list.filters, organization_group_id: og };
  return (
    <Stack gap="sm">
      <PageHeader title="Devices">
        <LivePill query={query} concerns={concernsDevices} />
        {mayNotify && (
          <Menu position="bottom-end">
            <Menu.Target><Button variant="default" leftSection={<IconSend size={16} aria-hidden />} aria-label="Notify devices">Notify</Button></Menu.Target>
            <Menu.Dropdown>
              <Menu.Item disabled={selection.size === 0} onClick={() => setNotifying({ devices: selection.rows() })}>{counted(selection.size, 'selected device')}</Menu.Item>
              <Menu.Item onClick={() => setNotifying({ devices: [], filter })}>{list.filtered || og ? 'All devices that match' : 'All devices'}</Menu.Item>
            </Menu.Dropdown>
          </Menu>
        )}
        <ExportButton name="devices" columns={CSV} fetchPage={(cursor) => listDevices({ query: { ...asked, limit: 500, cursor }, throwOnError: true })} />
      </PageHeader>
      <FilterBar list={list} filters={FILTERS} />
      <DataTable
        label="Devices"
        list={list}
        query={query}
        columns={COLUMNS}
        idOf={idOf}
        selection={mayNotify ? selection : undefined}
        nameOf={(d) => d.friendly_name}
        empty={<EmptyState title="No devices yet">Devices appear here once they enroll or a source reports a threat on them.</EmptyState>}
      />
      {notifying && <NotifyDevices {...notifying} onClose={() => setNotifying(undefined)} />}
    </Stack>
  );
}
