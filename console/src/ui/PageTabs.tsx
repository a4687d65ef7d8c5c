// The tabs of a page; which is shown is the address's `tab`, the first one without it.
import { Tabs } from '@mantine/core';
import { useNavigate, useSearch } from '@tanstack/react-router';
import type { ReactNode } from 'react';

export function PageTabs({ tabs }: { tabs: { value: string; label: string; content: ReactNode }[] }) {
  const { tab } = useSearch({ strict: false }) as { tab?: string };
  const navigate = useNavigate();
  const first = tabs[0]?.value;
  const shown = tabs.some(({ value }) => value === tab) ? tab : first;
  // The place in one tab's list is none in another's.
  const show = (to: string | null) =>
    void navigate({ to: '.', search: ((now: object) => ({ ...now, tab: to === first ? undefined : to, cursor: undefined })) as never, replace: true });
  return (
    <Tabs value={shown} onChange={show} keepMounted={false}>
      <Tabs.List mb="sm">{tabs.map(({ value, label }) => <Tabs.Tab key={value} value={value}>{label}</Tabs.Tab>)}</Tabs.List>
      {tabs.map(({ value, content }) => <Tabs.Panel key={value} value={value}>{content}</Tabs.Panel>)}
    </Tabs>
  );
}
