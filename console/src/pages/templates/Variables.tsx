// The values a template may name; a click writes one where the cursor was.
import { Button, Fieldset, Group, Stack, Text } from '@mantine/core';
import type { Variable } from '../../api';

export function Variables({ variables, onInsert }: { variables: Variable[]; onInsert: (name: string, isList: boolean) => void }) {
  const lists = new Set(variables.flatMap(({ name }) => (name.includes('[].') ? [name.split('[].')[0]] : [])));
  return (
    <Fieldset legend="What it may name">
      <Stack component="ul" gap={4} m={0} p={0} style={{ listStyle: 'none' }}>
        {variables.map(({ name, meaning }) => (
          <Group component="li" key={name} gap="xs" wrap="nowrap" align="baseline">
            <Button size="compact-xs" variant="default" ff="monospace" style={{ flexShrink: 0 }} aria-label={`${name}: insert`} onClick={() => onInsert(name, lists.has(name))}>{name}</Button>
            <Text size="sm">{meaning}</Text>
          </Group>
        ))}
      </Stack>
    </Fieldset>
  );
}
