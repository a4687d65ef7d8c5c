// The restrictions in force on a device: each with its value, and whose values were not strict enough.
import { Code, Stack, Table, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Fragment } from 'react';
import type { EffectiveProfile } from '../../api';
import { getDeviceEffectiveSettingsOptions } from '../../api/@tanstack/react-query.gen';
import { Loading } from '../../ui/Loading';
import { ProfileLink } from '../../ui/names';
import { Section } from '../../ui/Section';
import { ErrorState } from '../../ui/states';
import { labelOf } from '../profiles/settings';

/** `ON` instead of `true`, enumerations in words, lists one after the other. */
export function valueText(value: unknown): string {
  if (typeof value === 'boolean') return value ? 'Yes' : 'No';
  if (typeof value === 'string') return /^[A-Z][A-Z0-9_]+$/.test(value) ? labelOf(value) : value;
  if (Array.isArray(value) && value.every((each) => typeof each === 'string' || typeof each === 'number')) return value.join(', ') || 'None';
  return JSON.stringify(value);
}

/** Profiles with a word on something, each with its value unless that is in force. */
export function Profiles({ profiles }: { profiles: EffectiveProfile[] }) {
  return profiles.map(({ id, name, value, share }, i) => (
    <Fragment key={id}>
      {i > 0 && ', '}
      <ProfileLink id={id}>{name}</ProfileLink>
      {share !== 'prevails' && ` (${valueText(value)})`}
    </Fragment>
  ));
}

export function EffectiveSettings({ id }: { id: string }) {
  const { data, error, refetch } = useQuery(getDeviceEffectiveSettingsOptions({ path: { id } }));
  return (
    <Section title="Restrictions in force">
      {error && <ErrorState error={error} onRetry={() => void refetch()} />}
      {!data && !error && <Loading />}
      {data?.settings.length === 0 && <Text size="sm">No profile that should be on the device restricts anything.</Text>}
      {data && data.settings.length > 0 && (
        <>
          <Text size="sm" c="dimmed">Where several profiles give a value, the most restrictive holds.</Text>
          <Table.ScrollContainer minWidth={720} maxHeight={420} scrollAreaProps={{ type: 'auto', viewportProps: { tabIndex: 0, role: 'region', 'aria-label': 'Restrictions in force' } }}>
            <Table aria-label="Restrictions in force" verticalSpacing={5}>
              <Table.Thead>
                <Table.Tr><Table.Th>Restriction</Table.Th><Table.Th>Value</Table.Th><Table.Th>From</Table.Th><Table.Th>Less strict</Table.Th></Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {data.settings.map(({ key, help, value, profiles }) => {
                  const lost = profiles.filter(({ share }) => share === 'yields');
                  return (
                    <Table.Tr key={key}>
                      <Table.Td><Stack gap={2} align="flex-start"><Text size="sm">{help ?? labelOf(key)}</Text><Code>{key}</Code></Stack></Table.Td>
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
      )}
    </Section>
  );
}
