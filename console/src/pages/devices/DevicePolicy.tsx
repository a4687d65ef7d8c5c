// All profiles that should be on an Android device in one policy, as Google's management gets it, and where they want
// different things.
import { Button, Code, Table, Text } from '@mantine/core';
import { IconDownload } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import type { Device, PolicyConflict } from '../../api';
import { getDevicePolicyOptions } from '../../api/@tanstack/react-query.gen';
import { download } from '../../lib/download';
import { counted } from '../../lib/words';
import { Loading } from '../../ui/Loading';
import { Section } from '../../ui/Section';
import { ErrorState } from '../../ui/states';
import { Profiles, valueText } from './EffectiveSettings';

export function DevicePolicy({ device }: { device: Device }) {
  const { data, error, refetch } = useQuery(getDevicePolicyOptions({ path: { id: device.id } }));
  const text = data && JSON.stringify(data.policy, null, 2);
  return (
    <Section
      title="Policy"
      actions={text && (
        <Button size="xs" variant="default" leftSection={<IconDownload size={14} aria-hidden />} onClick={() => download(`policy-${device.friendly_name}.json`, new Blob([text], { type: 'application/json' }))}>Download policy</Button>
      )}
    >
      <Text size="sm" c="dimmed">What Google’s management puts on a device: all profiles that should be on it in one. An agent gets the profiles one by one instead.</Text>
      {error && <ErrorState error={error} onRetry={() => void refetch()} />}
      {!data && !error && <Loading rows={2} />}
      {data && (
        <>
          {data.conflicts.length === 0 ? <Text size="sm">The profiles want nothing different.</Text> : <Conflicts conflicts={data.conflicts} />}
          <details>
            <Text component="summary" size="sm" style={{ cursor: 'pointer' }}>{counted(Object.keys(data.policy).length, 'member')} of the policy {data.id}</Text>
            <Code block tabIndex={0} mah={420} mt="xs" style={{ overflow: 'auto' }}>{text}</Code>
          </details>
        </>
      )}
    </Section>
  );
}

function Conflicts({ conflicts }: { conflicts: PolicyConflict[] }) {
  return (
    <>
      <Text size="sm">{counted(conflicts.length, 'field')} that profiles want different values of; the most restrictive holds.</Text>
      <Table.ScrollContainer minWidth={720} maxHeight={420} scrollAreaProps={{ type: 'auto', viewportProps: { tabIndex: 0, role: 'region', 'aria-label': 'Conflicts' } }}>
        <Table aria-label="Conflicts" verticalSpacing={5}>
          <Table.Thead>
            <Table.Tr><Table.Th>Field</Table.Th><Table.Th>In force</Table.Th><Table.Th>From</Table.Th><Table.Th>Less strict</Table.Th></Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {conflicts.map(({ pointer, value, profiles }) => {
              const lost = profiles.filter(({ share }) => share === 'yields');
              return (
                <Table.Tr key={pointer}>
                  <Table.Td><Code>{pointer}</Code></Table.Td>
                  <Table.Td>{valueText(value)}</Table.Td>
                  <Table.Td className="in-text"><Profiles profiles={profiles.filter((each) => !lost.includes(each))} /></Table.Td>
                  <Table.Td className="in-text">{lost.length > 0 ? <Profiles profiles={lost} /> : '–'}</Table.Td>
                </Table.Tr>
              );
            })}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </>
  );
}
