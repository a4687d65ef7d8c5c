// A device's facts, open threats, tags, smart groups and profiles.
import { SimpleGrid, Stack, Table, Text } from '@mantine/core';
import type { Device } from '../../api';
import { useRights } from '../../app/session';
import { words } from '../../lib/words';
import { RiskBadge } from '../../ui/badges';
import { Link } from '../../ui/Link';
import { OrganizationGroupName, SmartGroupLink, ThreatLink, UserLink } from '../../ui/names';
import { Facts, Section } from '../../ui/Section';
import { Time } from '../../ui/Time';
import { ThreatActions } from '../threats/ThreatActions';
import { DeviceCertificates } from './DeviceCertificates';
import { DevicePolicy } from './DevicePolicy';
import { DeviceProfiles } from './DeviceProfiles';
import { DeviceSecurity } from './DeviceSecurity';
import { DeviceTags } from './DeviceTags';
import { EffectiveSettings } from './EffectiveSettings';

const said = (value: string | null) => value && words(value);

export function DeviceOverview({ device }: { device: Device }) {
  return (
    <Stack gap="sm">
      <OpenThreats device={device} />
      <DeviceProfiles device={device} />
      <EffectiveSettings id={device.id} />
      <SimpleGrid cols={{ base: 1, md: 2 }} spacing="sm">
        <Section title="Device">
          <Facts
            facts={[
              ['User', device.user && <UserLink id={device.user.id}>{device.user.display_name ?? device.user.user_name}</UserLink>],
              ['Organization group', <OrganizationGroupName key="og" id={device.organization_group_id} />],
              ['Ownership', said(device.ownership)],
              ['Management', said(device.management)],
              ['Enrollment category', said(device.enrollment_category)],
              ['Enrolled', <Time key="enrolled" at={device.enrolled_at} />],
              ['Last contact', <Time key="contact" at={device.last_contact} />],
              ['Added', <Time key="added" at={device.created_at} />],
              ['Score', Math.round(device.score)],
              ['Security patch level', device.security_patch_level],
              ['Serial number', device.serial_number],
              ['UDID', device.udid],
              ['IMEI', device.imei],
              ['External id', device.external_id],
              ['Id', device.id],
            ]}
          />
        </Section>
        <Stack gap="sm">
          <DeviceSecurity device={device} />
          <DeviceTags device={device} />
          <Section title="Smart groups">
            {device.smart_groups.length === 0 && <Text size="sm">In none. The tab Why says what each asks for.</Text>}
            <Stack gap={4}>{device.smart_groups.map(({ id, name }) => <SmartGroupLink key={id} id={id}>{name}</SmartGroupLink>)}</Stack>
          </Section>
        </Stack>
      </SimpleGrid>
      {device.platform === 'ios' ? <DeviceCertificates device={device} /> : <DevicePolicy device={device} />}
    </Stack>
  );
}

function OpenThreats({ device }: { device: Device }) {
  const mayManage = useRights()('manage_threats');
  return (
    <Section title="Open threats" actions={<Link to="/threats" search={{ device_id: device.id }}>All threats of this device</Link>}>
      {device.open_threats.length === 0 ? (
        <Text size="sm">None.</Text>
      ) : (
        <Table.ScrollContainer minWidth={560} scrollAreaProps={{ type: 'auto' }}>
          <Table aria-label="Open threats" verticalSpacing={5}>
            <Table.Thead>
              <Table.Tr><Table.Th>Level</Table.Th><Table.Th>Threat</Table.Th><Table.Th>Source</Table.Th><Table.Th>First seen</Table.Th>{mayManage && <Table.Th ta="right">Actions</Table.Th>}</Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {device.open_threats.map((threat) => (
                <Table.Tr key={threat.id}>
                  <Table.Td><RiskBadge level={threat.level} /></Table.Td>
                  <Table.Td><ThreatLink id={threat.id}>{threat.name}</ThreatLink></Table.Td>
                  <Table.Td>{threat.source}</Table.Td>
                  <Table.Td><Time at={threat.first_seen} /></Table.Td>
                  {mayManage && <Table.Td><ThreatActions threat={{ ...threat, status: 'open', device }} /></Table.Td>}
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
    </Section>
  );
}
