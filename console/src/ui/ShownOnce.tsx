// Says that what stands below cannot be shown again.
import { Alert } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import type { ReactNode } from 'react';

const DARK_ON_LIGHT = { title: { color: 'var(--mantine-color-text)' }, icon: { color: 'var(--mantine-color-text)' } };

export function ShownOnce({ children }: { children: ReactNode }) {
  return <Alert color="yellow" icon={<IconAlertTriangle aria-hidden />} title="Shown only now" styles={DARK_ON_LIGHT}>{children}</Alert>;
}
