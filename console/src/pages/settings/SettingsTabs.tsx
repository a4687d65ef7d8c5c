// The parts of the settings.
import { Group } from '@mantine/core';
import { useRouterState } from '@tanstack/react-router';
import { Link } from '../../ui/Link';

export function SettingsTabs() {
  const path = useRouterState({ select: (state) => state.location.pathname });
  const look = (to: string) => ({ fw: path === to ? 700 : undefined, underline: path === to ? ('always' as const) : ('hover' as const), 'aria-current': path === to ? ('page' as const) : undefined });
  return (
    <Group component="nav" aria-label="Settings" gap="md">
      <Link to="/settings" {...look('/settings')}>General</Link>
      <Link to="/settings/channels/email" {...look('/settings/channels/email')}>Email</Link>
      <Link to="/settings/channels/sms" {...look('/settings/channels/sms')}>SMS</Link>
      <Link to="/settings/templates" {...look('/settings/templates')}>Templates</Link>
    </Group>
  );
}
