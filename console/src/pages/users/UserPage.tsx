// One user of the directory: how to reach them, and their devices.
import { Button, SimpleGrid, Stack, Table, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import type { User } from '../../api';
import { getUserOptions, listDevicesOptions } from '../../api/@tanstack/react-query.gen';
import { Allowed, useRights } from '../../app/session';
import { counted, words } from '../../lib/words';
import { RiskBadge, StatusBadge } from '../../ui/badges';
import { Link } from '../../ui/Link';
import { Loading } from '../../ui/Loading';
import { DeviceLink, OrganizationGroupName } from '../../ui/names';
import { PageHeader } from '../../ui/PageHeader';
import { Facts, Section } from '../../ui/Section';
import { EmptyState, ErrorState } from '../../ui/states';
import { Time } from '../../ui/Time';
import { NewEnrollmentToken } from '../enrollment/NewEnrollmentToken';
import { DeleteUser } from './DeleteUser';
import { UserForm } from './UserForm';

const route = getRouteApi('/shell/users/$userId');

export default function UserPage() {
  const { userId: id } = route.useParams();
  const navigate = useNavigate();
  const { data: user, error, refetch } = useQuery(getUserOptions({ path: { id } }));
  const [dialog, setDialog] = useState<'edit' | 'delete' | 'enroll'>();
  if (!user) return error ? <ErrorState error={error} onRetry={() => void refetch()} /> : <Loading />;
  const close = () => setDialog(undefined);
  const open = user.incidents.high + user.incidents.medium + user.incidents.low;
  const missing = <Text span size="sm" c="dimmed">not known, so this way of notifying is unavailable</Text>;
  return (
    <Stack gap="sm">
      <Text size="sm"><Link to="/users">Directory</Link></Text>
      <PageHeader title={user.display_name ?? user.user_name} description={user.user_name}>
        <Allowed right="enroll_devices"><Button variant="default" onClick={() => setDialog('enroll')}>Enroll a device</Button></Allowed>
        <Allowed right="manage_users">
          <Button variant="default" onClick={() => setDialog('edit')}>Edit</Button>
          <Button variant="default" onClick={() => setDialog('delete')}>Delete</Button>
        </Allowed>
      </PageHeader>
      {error && <ErrorState error={error} onRetry={() => void refetch()} />}
      <SimpleGrid cols={{ base: 1, md: 2 }} spacing="sm">
        <Section title="User">
          <Facts
            facts={[
              ['User name', user.user_name],
              ['Name', user.display_name],
              ['Email', user.email ?? missing],
              ['Phone', user.phone ?? missing],
              ['Language', user.locale],
              ['Organization group', <OrganizationGroupName key="og" id={user.organization_group_id} />],
              ['Created', <Time key="created" at={user.created_at} />],
            ]}
          />
        </Section>
        <Section title="Risk" actions={<Link to="/risk/users/$id" params={{ id }}>Summary View</Link>}>
          <Facts
            facts={[
              ['Risk status', <RiskBadge key="risk" level={user.risk_status} />],
              ['Score', Math.round(user.score)],
              ['Open incidents', open === 0 ? 'None' : `${user.incidents.high} high, ${user.incidents.medium} medium, ${user.incidents.low} low`],
            ]}
          />
        </Section>
      </SimpleGrid>
      <Devices user={user} onEnroll={() => setDialog('enroll')} />
      {dialog === 'edit' && <UserForm user={user} onClose={close} />}
      {dialog === 'delete' && <DeleteUser user={user} onClose={close} onDeleted={() => void navigate({ to: '/users' })} />}
      {dialog === 'enroll' && <NewEnrollmentToken userId={id} onClose={close} />}
    </Stack>
  );
}

const SHOWN = 20;

function Devices({ user, onEnroll }: { user: User; onEnroll: () => void }) {
  const { data, error, refetch } = useQuery(listDevicesOptions({ query: { user_id: user.id, limit: SHOWN, sort: '-risk_level' } }));
  const mayEnroll = useRights()('enroll_devices');
  return (
    <Section title="Devices" actions={user.devices > 0 && <Link to="/devices" search={{ user_id: user.id }}>All {counted(user.devices, 'device')}</Link>}>
      {error && <ErrorState error={error} onRetry={() => void refetch()} />}
      {!data && !error && <Loading rows={2} />}
      {data?.items.length === 0 && (
        <EmptyState title="No devices" action={mayEnroll && <Button size="xs" onClick={onEnroll}>Enroll a device</Button>}>An enrollment token lets this person enroll one.</EmptyState>
      )}
      {data && data.items.length > 0 && (
        <Table.ScrollContainer minWidth={560} scrollAreaProps={{ type: 'auto' }}>
          <Table aria-label="Devices" verticalSpacing={5}>
            <Table.Thead><Table.Tr><Table.Th>Risk</Table.Th><Table.Th>Name</Table.Th><Table.Th>Platform</Table.Th><Table.Th>Compliance</Table.Th><Table.Th>Protection</Table.Th><Table.Th>Last contact</Table.Th></Table.Tr></Table.Thead>
            <Table.Tbody>
              {data.items.map((device) => (
                <Table.Tr key={device.id}>
                  <Table.Td><RiskBadge level={device.risk_level} /></Table.Td>
                  <Table.Td><DeviceLink id={device.id}>{device.friendly_name}</DeviceLink></Table.Td>
                  <Table.Td>{words(device.platform)} {device.os_version}</Table.Td>
                  <Table.Td><StatusBadge status={device.compliance} /></Table.Td>
                  <Table.Td><StatusBadge status={device.protection_status} /></Table.Td>
                  <Table.Td><Time at={device.last_contact} /></Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
    </Section>
  );
}
