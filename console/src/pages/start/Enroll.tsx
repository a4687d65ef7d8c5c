// Enrolls devices: a code for a user, and the devices as they come.
import { Button, Group, Text } from '@mantine/core';
import { IconQrcode, IconUserPlus } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import type { Entry } from '../../api';
import { listDevicesOptions } from '../../api/@tanstack/react-query.gen';
import { useRights } from '../../app/session';
import { useScope } from '../../app/scope';
import { words } from '../../lib/words';
import { Link } from '../../ui/Link';
import { useLiveRefresh } from '../../ui/liveRefresh';
import { DeviceLink, UserLink } from '../../ui/names';
import { ShortTable } from '../../ui/ShortTable';
import { Time } from '../../ui/Time';
import { NewEnrollmentToken } from '../enrollment/NewEnrollmentToken';
import { UserForm } from '../users/UserForm';

const SHOWN = 5;
const concernsEnrollment = (entry: Entry) => entry.changes.some(({ type }) => type === 'device_enrolled' || type === 'device_deleted');

type Dialog = { kind: 'user' } | { kind: 'token'; userId?: string };

export function Enroll({ onWatch }: { onWatch: (device: string) => void }) {
  const holds = useRights();
  const { og } = useScope();
  const [dialog, setDialog] = useState<Dialog>();
  const devices = useQuery(listDevicesOptions({ query: { enrollment_status: ['enrolled'], sort: '-created_at', limit: SHOWN, organization_group_id: og } }));
  useLiveRefresh(devices.refetch, concernsEnrollment);
  const close = () => setDialog(undefined);
  return (
    <>
      <Text size="sm">A device belongs to a user of the directory. It enrolls with a code that works once: scan it with the device’s camera, or open the link there.</Text>
      {holds('enroll_devices') ? (
        <Group>
          <Button leftSection={<IconQrcode size={16} aria-hidden />} onClick={() => setDialog({ kind: 'token' })}>Enroll a device</Button>
          {holds('manage_users') && <Button variant="default" leftSection={<IconUserPlus size={16} aria-hidden />} onClick={() => setDialog({ kind: 'user' })}>For a new user</Button>}
          <Link to="/enrollment">Codes that wait</Link>
        </Group>
      ) : (
        <Text size="sm" fw={600}>Your role does not allow to enroll devices: ask an administrator.</Text>
      )}
      <ShortTable
        label="Devices that enrolled last"
        rows={devices.data?.items}
        idOf={({ id }) => id}
        columns={[
          { key: 'device', title: 'Enrolled last', render: ({ id, friendly_name }) => <DeviceLink id={id}>{friendly_name}</DeviceLink> },
          { key: 'platform', title: 'Platform', render: ({ platform, os_version }) => `${words(platform)} ${os_version ?? ''}` },
          { key: 'user', title: 'User', render: ({ user }) => (user ? <UserLink id={user.id}>{user.name}</UserLink> : '–') },
          { key: 'contact', title: 'Last contact', render: ({ last_contact }) => <Time at={last_contact} /> },
          { key: 'actions', title: '', render: ({ id, friendly_name }) => <Button size="compact-xs" variant="default" aria-label={`Watch ${friendly_name}`} onClick={() => onWatch(id)}>Watch</Button> },
        ]}
        empty={<Text size="sm" role="status">Waiting for the first device…</Text>}
      />
      {dialog?.kind === 'user' && <UserForm onClose={() => setDialog((now) => (now?.kind === 'user' ? undefined : now))} onCreated={({ id }) => setDialog({ kind: 'token', userId: id })} />}
      {dialog?.kind === 'token' && <NewEnrollmentToken userId={dialog.userId} onClose={close} />}
    </>
  );
}
