// What the dashboard is made of: panels, numbers that lead to the list behind them, bars of shares.
import { Group, Paper, Progress, SegmentedControl, Skeleton, Stack, Text, Title } from '@mantine/core';
import { lazy, type ReactNode, Suspense, useId } from 'react';
import { count } from '../../lib/words';
import { EmptyState } from '../../ui/states';
import type { Day } from './days';

type PanelProps = { title: string; note?: ReactNode; children: ReactNode };

export function Panel({ title, note, children }: PanelProps) {
  const id = useId();
  return (
    <Paper component="section" withBorder p="md" aria-labelledby={id} h="100%">
      <Stack gap="sm">
        <Group justify="space-between" align="baseline">
          <Title order={2} size="h5" id={id}>{title}</Title>
          {note}
        </Group>
        {children}
      </Stack>
    </Paper>
  );
}

type TabsProps<T extends string> = { label: string; value: T; tabs: readonly { value: T; label: string }[]; onChange: (tab: T) => void };

/** Two or three views of the same thing; the address keeps which one is shown. */
export function Views<T extends string>({ label, value, tabs, onChange }: TabsProps<T>) {
  return <SegmentedControl fullWidth size="xs" aria-label={label} value={value} data={[...tabs]} onChange={(tab) => onChange(tab as T)} />;
}

/** A number large enough to be read from afar. `children` is a link to the list behind it. */
export function Figure({ label, value, children, tone }: { label: string; value: ReactNode; children: ReactNode; tone?: string }) {
  return (
    <Paper withBorder p="md" role="group" aria-label={label}>
      <Text size="sm" c="dimmed">{label}</Text>
      <Text fz={30} lh={1.3} fw={700} c={tone}>{value}</Text>
      <Text size="sm" component="div">{children}</Text>
    </Paper>
  );
}

export type Share = { key: string; value: number; color: string; label: ReactNode; link: (text: string) => ReactNode };

/** Shares of a whole as one bar, and below it each of them as a number that leads to its list. */
export function Shares({ shares }: { shares: Share[] }) {
  const all = shares.reduce((sum, { value }) => sum + value, 0);
  return (
    <Stack gap="sm">
      <Progress.Root size={18} aria-hidden>
        {shares.filter(({ value }) => value > 0).map(({ key, value, color }) => <Progress.Section key={key} value={(100 * value) / all} color={color} role="presentation" aria-label={undefined} />)}
      </Progress.Root>
      <Stack component="ul" gap={6} p={0} m={0} style={{ listStyle: 'none' }}>
        {shares.map(({ key, value, label, link }) => (
          <Group component="li" key={key} justify="space-between">
            {label}
            <Group gap="xs">
              <Text size="sm" c="dimmed">{all > 0 ? `${((100 * value) / all).toFixed(value > 0 && value / all < 0.1 ? 1 : 0)} %` : '–'}</Text>
              <Text span fw={600} miw={56} ta="right">{link(count(value))}</Text>
            </Group>
          </Group>
        ))}
      </Stack>
    </Stack>
  );
}

// The library for charts is larger than the rest of the page: the numbers are there before it.
const Charts = {
  Score: lazy(() => import('./Charts').then(({ ScoreChart }) => ({ default: ScoreChart }))),
  Level: lazy(() => import('./Charts').then(({ LevelChart }) => ({ default: LevelChart }))),
};

type ChartProps = { days: Day[] | undefined; children: (days: Day[], charts: typeof Charts) => ReactNode };

export function Chart({ days, children }: ChartProps) {
  if (!days) return <Skeleton h={200} />;
  if (days.length === 0) return <EmptyState title="No day has been counted yet">Once there are users with devices, each day adds a point.</EmptyState>;
  return <Suspense fallback={<Skeleton h={200} />}>{children(days, Charts)}</Suspense>;
}
