// What there is to go to. An entry appears once its page is in the router and the role holds its right.
import {
  IconChartPie, IconClipboardList, IconDeviceMobile, IconFileText, IconFingerprint, IconKey, IconListCheck, IconMail, IconPlug, IconProgress,
  IconQrcode, IconRocket, IconSettings, IconShieldCog, IconSitemap, IconTag, IconUserCog, IconUserExclamation, IconUsers, IconVirus,
} from '@tabler/icons-react';
import { useRouter } from '@tanstack/react-router';
import type { Right } from '../api';
import { useRights } from './session';

export type NavEntry = { to: string; label: string; icon: typeof IconTag; right: Right };
export type NavGroup = { label: string; entries: NavEntry[] };

const NAV: NavGroup[] = [
  {
    label: 'Security',
    entries: [
      { to: '/', label: 'Security Dashboard', icon: IconChartPie, right: 'view' },
      { to: '/risk/users', label: 'Users with risk', icon: IconUserExclamation, right: 'view' },
      { to: '/threats', label: 'Threats', icon: IconVirus, right: 'view' },
      { to: '/devices', label: 'Devices', icon: IconDeviceMobile, right: 'view' },
      { to: '/notifications', label: 'Notifications', icon: IconMail, right: 'view' },
    ],
  },
  {
    label: 'Response',
    entries: [
      { to: '/users', label: 'Users (Directory)', icon: IconUsers, right: 'view' },
      { to: '/smart-groups', label: 'Smart groups', icon: IconListCheck, right: 'view' },
      { to: '/profiles', label: 'Profiles', icon: IconFileText, right: 'view' },
      { to: '/tags', label: 'Tags', icon: IconTag, right: 'view' },
      { to: '/protections', label: 'Protections', icon: IconShieldCog, right: 'view' },
    ],
  },
  {
    label: 'Connections',
    entries: [
      { to: '/start', label: 'Getting started', icon: IconRocket, right: 'view' },
      { to: '/organization-groups', label: 'Organization groups', icon: IconSitemap, right: 'view' },
      { to: '/integrations', label: 'Integrations', icon: IconPlug, right: 'view' },
      { to: '/indicators', label: 'Indicators', icon: IconFingerprint, right: 'view' },
      { to: '/enrollment', label: 'Enrollment', icon: IconQrcode, right: 'enroll_devices' },
    ],
  },
  {
    label: 'Administration',
    entries: [
      { to: '/settings', label: 'Settings', icon: IconSettings, right: 'view' },
      { to: '/admins', label: 'Admins & roles', icon: IconUserCog, right: 'manage_roles' },
      { to: '/api-tokens', label: 'API tokens', icon: IconKey, right: 'manage_api_tokens' },
      { to: '/audit', label: 'Audit', icon: IconClipboardList, right: 'view_audit' },
      { to: '/jobs', label: 'Jobs', icon: IconProgress, right: 'view' },
    ],
  },
];

export function useNav(): NavGroup[] {
  const { routesByPath } = useRouter();
  const holds = useRights();
  return NAV.map(({ label, entries }) => ({ label, entries: entries.filter(({ to, right }) => to in routesByPath && holds(right)) })).filter(
    ({ entries }) => entries.length > 0,
  );
}
