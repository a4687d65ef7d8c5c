// The profiles that concern a device: what should be, what it reported, why; optional ones can be asked for here.
import { Button, Stack, Table, Text } from '@mantine/core';
import { type Device, type DeviceProfile, requestProfile, withdrawProfile } from '../../api';
import { useRights } from '../../app/session';
import { newKey } from '../../lib/api';
import { TARGET_REASONS } from '../../lib/reasons';
import { counted } from '../../lib/words';
import { StatusBadge } from '../../ui/badges';
import { ProfileLink } from '../../ui/names';
import { reversible } from '../../ui/reversible';
import { Section } from '../../ui/Section';
import { Time } from '../../ui/Time';
import { awaited, useRefreshDevice } from './device';

function wanted({ desired, version }: DeviceProfile): string {
  switch (desired) {
    case 'install':
      return version === null ? 'On the device' : `Version ${version}`;
    case 'remove':
      return 'Off the device';
    case 'nothing':
      return 'Nothing';
  }
}

export function DeviceProfiles({ device }: { device: Device }) {
  const mayManage = useRights()('manage_devices');
  const refresh = useRefreshDevice(device.id);
  const ask = (id: string) => requestProfile({ path: { id: device.id }, body: { profile_id: id }, headers: { 'Idempotency-Key': newKey() }, throwOnError: true });
  const withdraw = (id: string) => withdrawProfile({ path: { id: device.id, profile_id: id }, throwOnError: true });
  const action = ({ id, name, reason }: DeviceProfile) => {
    if (device.requested_profile_ids.includes(id)) {
      return <Button size="compact-xs" variant="default" aria-label={`Withdraw ${name}`} onClick={() => void reversible(`${name} withdrawn`, () => withdraw(id), () => ask(id), refresh)}>Withdraw</Button>;
    }
    if (reason === 'available') {
      return <Button size="compact-xs" variant="default" aria-label={`Request ${name}`} onClick={() => void reversible(`${name} requested`, () => ask(id), () => withdraw(id), refresh)}>Request</Button>;
    }
    return null;
  };
  const waits = awaited(device);
  return (
    <Section title="Profiles">
      {device.profiles.length === 0 ? (
        <Text size="sm">No profile concerns this device.</Text>
      ) : (
        <Table.ScrollContainer minWidth={720} scrollAreaProps={{ type: 'auto' }}>
          <Table aria-label="Profiles" verticalSpacing={5}>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>Profile</Table.Th><Table.Th>Desired</Table.Th><Table.Th>Reported</Table.Th><Table.Th>Status</Table.Th><Table.Th>Why</Table.Th>
                {mayManage && <Table.Th ta="right">Actions</Table.Th>}
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {device.profiles.map((profile) => (
                <Table.Tr key={profile.id}>
                  <Table.Td>{profile.name ? <ProfileLink id={profile.id}>{profile.name}</ProfileLink> : 'Deleted profile'}</Table.Td>
                  <Table.Td>{wanted(profile)}</Table.Td>
                  <Table.Td>{profile.installed_version === null ? 'Not on the device' : `Version ${profile.installed_version}`}</Table.Td>
                  <Table.Td>{profile.status ? <StatusBadge status={profile.status} /> : '–'}</Table.Td>
                  <Table.Td>
                    <Text size="sm">{TARGET_REASONS[profile.reason]}</Text>
                    {profile.detail && <Text size="xs" c="dimmed">The device says: {profile.detail}</Text>}
                  </Table.Td>
                  {mayManage && <Table.Td ta="right">{action(profile)}</Table.Td>}
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
      {waits.length > 0 && (
        <Stack gap={4} role="group" aria-label="Waiting for the device">
          <Text size="sm" fw={600}>Waiting for the device: {counted(waits.length, 'command')}</Text>
          {waits.map((profile) => (
            <Text key={profile.id} size="sm">
              {profile.status === 'pending_removal' ? 'Remove' : 'Install'} {profile.name}
              {profile.version !== null && profile.status !== 'pending_removal' && ` version ${profile.version}`}
              {profile.since && <>, wanted <Time at={profile.since} /></>}
              {profile.held_until && <>, held for its window until <Time at={profile.held_until} /></>}
              {profile.status === 'installing' && ', the device will take it up later'}
            </Text>
          ))}
          <Text size="xs" c="dimmed">A device gets its commands when it next contacts the server; last contact <Time at={device.last_contact} />.</Text>
        </Stack>
      )}
    </Section>
  );
}
