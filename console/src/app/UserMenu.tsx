// Who is signed in, and what concerns only them.
import { ActionIcon, Menu } from '@mantine/core';
import { IconBook, IconLogout, IconUserCircle } from '@tabler/icons-react';
import { useNavigate } from '@tanstack/react-router';
import { signOut } from '../api';
import { toastProblem } from '../ui/toasts';
import { useSession } from './session';

export default function UserMenu() {
  const { admin, token, role, organization_group: reach } = useSession();
  const navigate = useNavigate();
  const name = admin?.name ?? token?.name ?? '';
  const leave = async () => {
    try {
      await signOut({ throwOnError: true });
      // A new page forgets everything that was fetched.
      location.assign('/sign-in');
    } catch (error) {
      toastProblem(error);
    }
  };
  return (
    <Menu position="bottom-end" width={260}>
      <Menu.Target>
        <ActionIcon variant="default" size={36} aria-label={`Account: ${name}`}><IconUserCircle size={20} /></ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{name}{admin?.email && <><br />{admin.email}</>}<br />{role.name}, {reach.name}</Menu.Label>
        {admin && <Menu.Item leftSection={<IconUserCircle size={16} aria-hidden />} onClick={() => void navigate({ to: '/account' })}>Your account</Menu.Item>}
        <Menu.Item component="a" href="/api/docs" leftSection={<IconBook size={16} aria-hidden />}>API documentation</Menu.Item>
        {admin && <Menu.Item leftSection={<IconLogout size={16} aria-hidden />} onClick={() => void leave()}>Sign out</Menu.Item>}
      </Menu.Dropdown>
    </Menu>
  );
}
