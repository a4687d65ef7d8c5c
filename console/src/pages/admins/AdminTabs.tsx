// The two halves of Admins & roles.
import { Group } from '@mantine/core';
import { useRouterState } from '@tanstack/react-router';
import type { Right } from '../../api';
import { useRights } from '../../app/session';
import { Link } from '../../ui/Link';

const PAGES: { to: '/admins' | '/roles'; label: string; right: Right }[] = [
  { to: '/admins', label: 'Administrators', right: 'manage_roles' },
  { to: '/roles', label: 'Roles', right: 'view' },
];

export function AdminTabs() {
  const holds = useRights();
  const path = useRouterState({ select: (state) => state.location.pathname });
  return (
    <Group component="nav" aria-label="Admins and roles" gap="md">
      {PAGES.filter(({ right }) => holds(right)).map(({ to, label }) => (
        <Link key={to} to={to} fw={path === to ? 700 : undefined} underline={path === to ? 'always' : 'hover'} aria-current={path === to ? 'page' : undefined}>{label}</Link>
      ))}
    </Group>
  );
}
