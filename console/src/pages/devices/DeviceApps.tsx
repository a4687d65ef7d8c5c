// The apps on a device, and which of them indicators fit.
import { Stack, Text } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { type Device, type DeviceApp, listDeviceApps } from '../../api';
import { listDeviceAppsOptions } from '../../api/@tanstack/react-query.gen';
import { useListSearch } from '../../lib/list';
import { words } from '../../lib/words';
import { Badge, RiskBadge } from '../../ui/badges';
import { type Column, DataTable } from '../../ui/DataTable';
import { ExportButton } from '../../ui/ExportButton';
import { type Filter, FilterBar } from '../../ui/FilterBar';
import { Link } from '../../ui/Link';
import { LivePill } from '../../ui/LivePill';
import { ThreatLink } from '../../ui/names';
import { EmptyState } from '../../ui/states';
import { threatOf } from './apps';
import { APP_SOURCES, appSearch } from './search';

type Sort = (typeof appSearch.sorts)[number];

const FILTERS: Filter<keyof ReturnType<typeof appSearch.readFilters>>[] = [
  { key: 'q', label: 'Search', atHand: true, kind: 'search', placeholder: 'Name or identifier' },
  { key: 'fitting', label: 'Indicators', atHand: true, kind: 'flags', words: ['One fits', 'None fits'] },
  { key: 'source', label: 'Installed from', atHand: true, kind: 'one', values: APP_SOURCES },
];

const CSV = [
  ...(['identifier', 'name', 'version', 'source', 'certificate_sha256', 'certificate_sha1', 'sha256'] as const).map((key) => ({ title: key, value: (app: DeviceApp) => app[key] })),
  { title: 'indicators', value: (app: DeviceApp) => app.indicators.map(({ name }) => name).join(' ') },
];

export function DeviceApps({ device }: { device: Device }) {
  const path = { id: device.id };
  const list = useListSearch(appSearch);
  const query = useQuery({ ...listDeviceAppsOptions({ path, query: list.query }), placeholderData: keepPreviousData });
  const columns: Column<DeviceApp, Sort>[] = [
    { key: 'name', title: 'App', sort: 'name', render: (app) => app.name ?? app.identifier },
    { key: 'found', title: 'Indicators', render: (app) => <Found app={app} device={device} /> },
    { key: 'version', title: 'Version', render: (app) => app.version ?? '–' },
    { key: 'source', title: 'Installed from', render: (app) => words(app.source ?? 'unknown') },
    { key: 'identifier', title: 'Identifier', sort: 'identifier', render: (app) => app.identifier },
  ];
  return (
    <Stack gap="sm">
      <Stack gap="xs" align="flex-end">
        <LivePill query={query} concerns={(entry) => entry.device_id === device.id} />
        <ExportButton name={`apps-${device.friendly_name}`} columns={CSV} fetchPage={(cursor) => listDeviceApps({ path, query: { ...list.query, limit: 500, cursor }, throwOnError: true })} />
      </Stack>
      <FilterBar list={list} filters={FILTERS} />
      <DataTable
        label="Apps"
        list={list}
        query={query}
        columns={columns}
        idOf={(app) => [app.identifier, app.version, app.certificate_sha256, app.certificate_sha1, app.sha256].join(' ')}
        nameOf={(app) => app.name ?? app.identifier}
        empty={<EmptyState title="No apps known">Nobody has said yet which apps are on this device. Its agent says so with its inventory, or its management once the device was asked.</EmptyState>}
      />
    </Stack>
  );
}

function Found({ app, device }: { app: DeviceApp; device: Device }) {
  if (app.indicators.length === 0) return '–';
  const threat = threatOf(app, device);
  return (
    <Stack gap={2} align="flex-start" style={{ whiteSpace: 'normal' }}>
      {threat ? <span><RiskBadge level={threat.level} /> <ThreatLink id={threat.id}>{threat.name}</ThreatLink></span> : <Badge look={['warn', IconAlertTriangle]} text="Fits, no open threat" />}
      {app.indicators.map(({ kind, value, name, set }) => (
        <Text key={`${kind} ${value} ${set.id}`} size="xs" className="in-text">
          <Link size="xs" to="/indicators/search" search={{ q: value, kind }}>{name}</Link> in <Link size="xs" to="/indicators" search={{ set: set.id }}>{set.name}</Link>
        </Text>
      ))}
    </Stack>
  );
}
