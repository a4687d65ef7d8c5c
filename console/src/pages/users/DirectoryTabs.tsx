// The two halves of Users > Directory.
import { Group } from '@mantine/core';
import { useRouterState } from '@tanstack/react-router';
import { Link } from '../../ui/Link';

export function DirectoryTabs() {
  const path = useRouterState({ select: (state) => state.location.pathname });
  const look = (to: string) => ({ fw: path === to ? 700 : undefined, underline: path === to ? ('always' as const) : ('hover' as const), 'aria-current': path === to ? ('page' as const) : undefined });
  return (
    <Group component="nav" aria-label="Directory" gap="md">
      <Link to="/users" {...look('/users')}>Users</Link>
      <Link to="/users/groups" {...look('/users/groups')}>User groups</Link>
    </Group>
  );
}
