// One device: what it is, how it stands, why, and what happened to it.
import { Button, Group, Menu, Skeleton, Stack, Text } from '@mantine/core';
import { IconChevronDown } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { lazy, Suspense, useState } from 'react';
import { getDeviceOptions } from '../../api/@tanstack/react-query.gen';
import { Allowed } from '../../app/session';
import { words } from '../../lib/words';
import { RiskBadge, StatusBadge } from '../../ui/badges';
import { Link } from '../../ui/Link';
import { Loading } from '../../ui/Loading';
import { PageHeader } from '../../ui/PageHeader';
import { PageTabs } from '../../ui/PageTabs';
import { ErrorState } from '../../ui/states';
import { useFollowDevice } from './device';
import { DeviceApps } from './DeviceApps';
import { DeleteDevice, UnenrollDevice } from './DeviceEnd';
import { DeviceForm } from './DeviceForm';
import { DeviceMessagesApp } from './DeviceMessagesApp';
import { DeviceOverview } from './DeviceOverview';
import { DeviceTimeline } from './DeviceTimeline';
import { DeviceWhy } from './DeviceWhy';

const DeviceCommands = lazy(() => import('./DeviceCommands'));
const route = getRouteApi('/shell/devices/$deviceId');
type Dialog = 'messages' | 'edit' | 'unenroll' | 'delete';

export default function DevicePage() {
  const { deviceId: id } = route.useParams();
  const { data: device, error, refetch } = useQuery(getDeviceOptions({ path: { id } }));
  const [dialog, setDialog] = useState<Dialog>();
  useFollowDevice(id);
  if (!device) return error ? <ErrorState error={error} onRetry={() => void refetch()} /> : <Loading />;
  const close = () => setDialog(undefined);
  return (
    <Stack gap="sm">
      <Text size="sm"><Link to="/devices">Devices</Link></Text>
      <PageHeader title={device.friendly_name} description={`${words(device.platform)} ${device.os_version ?? ''} · ${[device.manufacturer, device.model].filter(Boolean).join(' ') || 'model not known'}`}>
        {device.enrollment_status === 'enrolled' && (
          <Allowed right="enroll_devices"><Button variant="default" onClick={() => setDialog('messages')}>Messages app</Button></Allowed>
        )}
        <Allowed right="manage_devices">
          <Button variant="default" onClick={() => setDialog('edit')}>Edit</Button>
          <Menu position="bottom-end">
            <Menu.Target><Button variant="default" rightSection={<IconChevronDown size={14} aria-hidden />}>More</Button></Menu.Target>
            <Menu.Dropdown>
              {device.enrollment_status !== 'unenrolled' && <Menu.Item onClick={() => setDialog('unenroll')}>Unenroll (selective wipe)</Menu.Item>}
              <Menu.Item onClick={() => setDialog('delete')}>Delete</Menu.Item>
            </Menu.Dropdown>
          </Menu>
        </Allowed>
      </PageHeader>
      {error && <ErrorState error={error} onRetry={() => void refetch()} />}
      <Group gap="md">
        <Group gap={6}><Text size="sm" c="dimmed">Risk</Text><RiskBadge level={device.risk_level} /></Group>
        <Group gap={6}><Text size="sm" c="dimmed">Compliance</Text><StatusBadge status={device.compliance} /></Group>
        <Group gap={6}><Text size="sm" c="dimmed">Protection</Text><StatusBadge status={device.protection_status} /></Group>
        <Group gap={6}><Text size="sm" c="dimmed">Enrollment</Text><StatusBadge status={device.enrollment_status} /></Group>
      </Group>
      <PageTabs
        tabs={[
          { value: 'overview', label: 'Overview', content: <DeviceOverview device={device} /> },
          { value: 'why', label: 'Why', content: <DeviceWhy device={device} /> },
          { value: 'apps', label: 'Apps', content: <DeviceApps device={device} /> },
          { value: 'commands', label: 'Commands', content: <Suspense fallback={<Skeleton h={200} />}><DeviceCommands device={device} /></Suspense> },
          { value: 'timeline', label: 'Timeline', content: <DeviceTimeline id={id} /> },
        ]}
      />
      {dialog === 'messages' && <DeviceMessagesApp device={device} onClose={close} />}
      {dialog === 'edit' && <DeviceForm device={device} onClose={close} />}
      {dialog === 'unenroll' && <UnenrollDevice device={device} onClose={close} />}
      {dialog === 'delete' && <DeleteDevice device={device} onClose={close} />}
    </Stack>
  );
}
