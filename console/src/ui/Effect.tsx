// What a change would do: how many devices, and some of them by name.
import { Group, Loader, Stack, Text } from '@mantine/core';
import { IconArrowDown, IconArrowUp, IconMinus } from '@tabler/icons-react';
import type { PreviewAnswer, PreviewEffect } from '../api';
import { asProblem } from '../lib/api';
import { counted } from '../lib/words';
import { DeviceLink } from './names';
import { ErrorState } from './states';

export type EffectWords = {
  /** What `matching` devices do, after the number: `would be in the group`. */
  matching: string;
  gaining: string;
  losing: string;
  /** The same for one device: `joins`. */
  gains: string;
  loses: string;
  stays: string;
};

const ICONS: Record<PreviewEffect, typeof IconMinus> = { gains: IconArrowUp, loses: IconArrowDown, stays: IconMinus };

type Props = {
  query: { data: PreviewAnswer | undefined; error: unknown; isFetching: boolean; refetch: () => unknown };
  says: EffectWords;
};

export function Effect({ query: { data, error, isFetching, refetch }, says }: Props) {
  if (error) {
    const problem = asProblem(error);
    // What is entered is wrong: that is said at its field once it is saved, so briefly here.
    if (problem.errors?.length) return <Text size="sm" role="status">The effect cannot be worked out: {[...new Set(problem.errors.map(({ detail }) => detail))].join('; ')}.</Text>;
    return <ErrorState error={error} onRetry={() => void refetch()} />;
  }
  return (
    <Stack gap="xs" aria-busy={isFetching}>
      <div role="status">
        {data ? (
          <>
            <Text size="sm" fw={600}>{counted(data.matching, 'device')} {says.matching}</Text>
            <Text size="sm">{data.gaining === 0 && data.losing === 0 ? 'Nothing changes for any device.' : `${counted(data.gaining, 'device')} ${says.gaining}, ${counted(data.losing, 'device')} ${says.losing}.`}</Text>
          </>
        ) : (
          <Group gap="xs"><Loader size="xs" /><Text size="sm">Working out the effect…</Text></Group>
        )}
      </div>
      {data && data.sample.length > 0 && (
        <div>
          <Text size="sm" c="dimmed">For example</Text>
          <Stack component="ul" gap={2} m={0} p={0} style={{ listStyle: 'none' }}>
            {data.sample.map(({ id, friendly_name, effect }) => {
              const Icon = ICONS[effect];
              return (
                <Group component="li" key={id} gap={6} wrap="nowrap">
                  <Icon size={14} aria-hidden />
                  <DeviceLink id={id}>{friendly_name}</DeviceLink>
                  <Text size="sm" c="dimmed">{says[effect]}</Text>
                </Group>
              );
            })}
          </Stack>
        </div>
      )}
    </Stack>
  );
}
