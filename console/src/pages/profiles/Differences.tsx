// What differs between two states of a profile, line by line.
import { Table, Text } from '@mantine/core';
import type { ProfileSpec } from '../../api';
import { useNames } from '../smart-groups/names';
import { differences } from './spec';

type Props = { before: ProfileSpec; after: ProfileSpec; beforeTitle: string; afterTitle: string };

const Value = ({ text, gone }: { text: string | undefined; gone: boolean }) =>
  text === undefined ? <Text span size="sm" c="dimmed">not set</Text> : <Text span size="sm" td={gone ? 'line-through' : undefined} style={{ overflowWrap: 'anywhere' }}>{text}</Text>;

export function Differences({ before, after, beforeTitle, afterTitle }: Props) {
  const found = differences(before, after, useNames());
  if (found.length === 0) return <Text size="sm">Nothing that is shown differs. A secret may.</Text>;
  return (
    <Table.ScrollContainer minWidth={480} scrollAreaProps={{ viewportProps: { tabIndex: 0, role: 'region', 'aria-label': 'What differs' } }}>
      <Table verticalSpacing={4} withTableBorder>
        <Table.Thead><Table.Tr><Table.Th>What</Table.Th><Table.Th>{beforeTitle}</Table.Th><Table.Th>{afterTitle}</Table.Th></Table.Tr></Table.Thead>
        <Table.Tbody>
          {found.map((each) => (
            <Table.Tr key={each.what}>
              <Table.Td>{each.what}</Table.Td>
              <Table.Td><Value text={each.before} gone={each.after === undefined} /></Table.Td>
              <Table.Td><Value text={each.after} gone={false} /></Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}
