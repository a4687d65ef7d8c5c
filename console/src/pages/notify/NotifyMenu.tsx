// The menu of a user's row, with Notify for those who may.
import { ActionIcon, Menu } from '@mantine/core';
import { IconDotsVertical, IconReportAnalytics, IconSend, IconUser } from '@tabler/icons-react';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { Allowed } from '../../app/session';
import { type Person, SendNotification } from './SendNotification';

export function NotifyMenu({ user }: { user: Person }) {
  const navigate = useNavigate();
  const [open, setOpen] = useState(false);
  return (
    <>
      <Menu position="bottom-end" width={200}>
        <Menu.Target>
          <ActionIcon variant="subtle" size={28} aria-label={`Actions for ${user.name}`}><IconDotsVertical size={16} /></ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Allowed right="notify">
            <Menu.Item leftSection={<IconSend size={16} aria-hidden />} onClick={() => setOpen(true)}>Notify</Menu.Item>
          </Allowed>
          <Menu.Item leftSection={<IconReportAnalytics size={16} aria-hidden />} onClick={() => void navigate({ to: '/risk/users/$id', params: { id: user.id } })}>Summary View</Menu.Item>
          <Menu.Item leftSection={<IconUser size={16} aria-hidden />} onClick={() => void navigate({ to: '/users/$userId', params: { userId: user.id } })}>Users &gt; Directory</Menu.Item>
        </Menu.Dropdown>
      </Menu>
      {open && <SendNotification user={user} onClose={() => setOpen(false)} />}
    </>
  );
}
