// The Risky Devices section of the Summary View: choose some and notify them.
import { Button, Group, Stack, Text, Title } from '@mantine/core';
import { IconSend } from '@tabler/icons-react';
import { useState } from 'react';
import type { DeviceSummary } from '../../api';
import { useRights } from '../../app/session';
import { count, counted, words } from '../../lib/words';
import { RiskBadge, StatusBadge } from '../../ui/badges';
import { Link } from '../../ui/Link';
import { DeviceLink } from '../../ui/names';
import { useSelection } from '../../ui/selection';
import { ShortTable } from '../../ui/ShortTable';
import { EmptyState } from '../../ui/states';
import { Time } from '../../ui/Time';
import { NotifyDevices } from '../notify/NotifyDevices';

const idOf = (device: DeviceSummary) => device.id;

/** `devices`: all of the user's; `more`: whether there are further ones. */
export function RiskyDevices({ user, devices, more }: { user: string; devices: DeviceSummary[] | undefined; more: boolean }) {
  const mayNotify = useRights()('notify');
  const selection = useSelection(idOf);
  const [notifying, setNotifying] = useState(false);
  const risky = devices?.filter(({ score, open_threat_count }) => score > 0 || open_threat_count > 0);
  // What they stand like now, not when they were chosen.
  const chosen = risky?.filter(selection.has) ?? [];
  return (
    <Stack gap="sm">
      <Group justify="space-between">
        <Title order={2} size="h4">Risky Devices</Title>
        <Group gap="sm">
          {mayNotify && (
            <>
              <Text size="sm" c="dimmed" role="status">{chosen.length > 0 ? `${counted(chosen.length, 'device')} selected` : 'Select the devices to notify'}</Text>
              <Button size="xs" variant="default" leftSection={<IconSend size={16} aria-hidden />} disabled={chosen.length === 0} aria-label="Notify devices" onClick={() => setNotifying(true)}>Notify</Button>
            </>
          )}
          <Link to="/devices" search={{ user_id: user }}>All devices</Link>
        </Group>
      </Group>
      <ShortTable
        label="Risky devices"
        rows={risky}
        idOf={idOf}
        nameOf={({ friendly_name }) => friendly_name}
        selection={mayNotify ? selection : undefined}
        columns={[
          { key: 'name', title: 'Name', render: (d) => <DeviceLink id={d.id}>{d.friendly_name}</DeviceLink> },
          { key: 'risk', title: 'Risk', render: (d) => <RiskBadge level={d.risk_level} /> },
          { key: 'score', title: 'Score', render: (d) => count(Math.round(d.score)) },
          { key: 'threats', title: 'Open threats', render: (d) => <Link to="/threats" search={{ device_id: d.id, status: ['open'] }} aria-label={`${counted(d.open_threat_count, 'open threat')} on ${d.friendly_name}`}>{count(d.open_threat_count)}</Link> },
          { key: 'platform', title: 'Platform', render: (d) => `${words(d.platform)} ${d.os_version ?? ''}` },
          { key: 'enrollment', title: 'Enrollment', render: (d) => <StatusBadge status={d.enrollment_status} /> },
          { key: 'protection', title: 'Protection', render: (d) => <StatusBadge status={d.protection_status} /> },
          { key: 'contact', title: 'Last contact', render: (d) => <Time at={d.last_contact} /> },
        ]}
        empty={<EmptyState title="No risky devices">Nothing is open on this user’s devices.</EmptyState>}
      />
      {more && <Text size="sm" c="dimmed">Only the {counted(devices?.length ?? 0, 'device')} with the highest scores were looked at.</Text>}
      {notifying && (
        <NotifyDevices
          devices={chosen}
          onClose={() => {
            setNotifying(false);
            selection.clear();
          }}
        />
      )}
    </Stack>
  );
}
