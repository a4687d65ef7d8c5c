// The command menu (Ctrl-K): goes to pages, finds users, devices and threats.
import { Spotlight, type SpotlightActionData, type SpotlightActionGroupData } from '@mantine/spotlight';
import { useDebouncedValue } from '@mantine/hooks';
import { IconDeviceMobile, IconUser, IconVirus } from '@tabler/icons-react';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { searchOptions } from '../api/@tanstack/react-query.gen';
import { words } from '../lib/words';
import { useNav } from './nav';

// What is to be found on pages whose names do not say so.
const ON_PAGES: { label: string; page: string; under?: string }[] = [
  { label: 'Threat Management service', page: '/settings' },
  { label: 'End User Notification Settings: Account Status', page: '/settings' },
  { label: 'Branding', page: '/settings' },
  { label: 'Compliance', page: '/settings' },
  { label: 'Posture rules: minimum OS, patch age, denylisted apps', page: '/settings' },
  { label: 'Scores', page: '/settings' },
  { label: 'Trusted sources', page: '/settings' },
  { label: 'Mail relays and DKIM', page: '/settings/channels/email', under: '/settings' },
  { label: 'SMS gateway or SMPP', page: '/settings/channels/sms', under: '/settings' },
  { label: 'Apple push (APNs)', page: '/settings/channels/apns', under: '/settings' },
  { label: 'Google push (FCM)', page: '/settings/channels/fcm', under: '/settings' },
  { label: 'Roles and rights', page: '/roles', under: '/admins' },
  { label: 'Threat classifications and risk levels', page: '/protections' },
  { label: 'Summary View and User List', page: '/risk/users' },
  { label: 'Lookout feed', page: '/integrations' },
  { label: 'Stalkerware and spyware indicators', page: '/indicators' },
];

export default function Commands({ actions }: { actions: SpotlightActionData[] }) {
  const navigate = useNavigate();
  const nav = useNav();
  const [typed, setTyped] = useState('');
  const [text] = useDebouncedValue(typed.trim(), 150);
  const enabled = text.length > 0;
  const search = useQuery({ ...searchOptions({ query: { q: text } }), enabled, placeholderData: keepPreviousData });
  const found = enabled ? search.data : undefined;
  const go = (to: string) => () => void navigate({ to });
  const has = (label?: string) => label?.toLowerCase().includes(typed.trim().toLowerCase());
  const entries = nav.flatMap((group) => group.entries);
  const groups: SpotlightActionGroupData[] = [
    {
      group: 'Go to',
      actions: entries.filter(({ label }) => has(label)).map(({ to, label, icon: Icon }) => ({
        id: to, label, leftSection: <Icon size={18} aria-hidden />, onClick: go(to),
      })),
    },
    {
      group: 'On a page',
      actions: enabled
        ? ON_PAGES.filter(({ label }) => has(label)).flatMap(({ label, page, under = page }) => {
            const entry = entries.find(({ to }) => to === under);
            if (!entry) return [];
            const Icon = entry.icon;
            return [{ id: `${page} ${label}`, label, description: entry.label, leftSection: <Icon size={18} aria-hidden />, onClick: go(page) }];
          })
        : [],
    },
    { group: 'Do', actions: actions.filter(({ label }) => has(label)) },
    {
      group: 'Users',
      actions: (found?.users ?? []).map((user) => ({
        id: user.id, label: user.name, description: [user.user_name, user.email].filter(Boolean).join(' · '),
        leftSection: <IconUser size={18} aria-hidden />, onClick: go(`/users/${user.id}`),
      })),
    },
    {
      group: 'Devices',
      actions: (found?.devices ?? []).map((device) => ({
        id: device.id, label: device.friendly_name, description: [words(device.platform), device.serial_number].filter(Boolean).join(' · '),
        leftSection: <IconDeviceMobile size={18} aria-hidden />, onClick: go(`/devices/${device.id}`),
      })),
    },
    {
      group: 'Threats',
      actions: (found?.threats ?? []).map((threat) => ({
        id: threat.id, label: threat.name, description: `${words(threat.level)} on ${threat.device.friendly_name}`,
        leftSection: <IconVirus size={18} aria-hidden />, onClick: go(`/threats/${threat.id}`),
      })),
    },
  ];
  return (
    <Spotlight
      actions={groups.filter((group) => group.actions.length > 0)}
      query={typed}
      onQueryChange={setTyped}
      // The server has searched already.
      filter={(_, groups) => groups}
      shortcut={['mod + K']}
      scrollable
      maxHeight={420}
      nothingFound={search.isFetching ? 'Searching…' : search.error ? 'The search failed' : 'Nothing found'}
      searchProps={{ placeholder: 'Page, user, device or threat', 'aria-label': 'Search pages, users, devices and threats' }}
      attributes={{ content: { 'aria-label': 'Command menu' } }}
    />
  );
}
