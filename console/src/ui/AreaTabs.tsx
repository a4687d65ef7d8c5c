// The pages of one area, as links at the top of each of them.
import { Group } from '@mantine/core';
import { useRouterState } from '@tanstack/react-router';
import { Link } from './Link';

export function AreaTabs({ label, pages }: { label: string; pages: readonly (readonly [to: string, name: string])[] }) {
  const path = useRouterState({ select: (state) => state.location.pathname });
  return (
    <Group component="nav" aria-label={label} gap="md">
      {pages.map(([to, name]) => {
        const here = path === to;
        return <Link key={to} to={to} fw={here ? 700 : undefined} underline={here ? 'always' : 'hover'} aria-current={here ? 'page' : undefined}>{name}</Link>;
      })}
    </Group>
  );
}
