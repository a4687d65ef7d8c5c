// The rights in words, in the groups people think of them.
import type { Right } from '../../api';

type Described = { right: Right; label: string; text: string };

export const RIGHTS: { group: string; rights: Described[] }[] = [
  {
    group: 'Looking',
    rights: [
      { right: 'view', label: 'View', text: 'See devices, users, threats, groups, profiles, tags and Protections.' },
      { right: 'view_audit', label: 'View audit', text: 'See the journal, who changed what, and follow changes live.' },
    ],
  },
  {
    group: 'Security',
    rights: [
      { right: 'notify', label: 'Notify', text: 'Notify users and devices about incidents.' },
      { right: 'manage_threats', label: 'Manage threats', text: 'Resolve and ignore threats.' },
      { right: 'edit_protections', label: 'Edit Protections', text: 'Change the risk level and response of each kind of threat.' },
      { right: 'ingest_detections', label: 'Hand in detections', text: 'Send detections and files of a feed; for sources.' },
    ],
  },
  {
    group: 'Devices and users',
    rights: [
      { right: 'manage_users', label: 'Manage users', text: 'Create, change and delete users and user groups.' },
      { right: 'enroll_devices', label: 'Enroll devices', text: 'Create enrollment tokens.' },
      { right: 'manage_devices', label: 'Manage devices', text: 'Change, move, unenroll and delete devices.' },
      { right: 'command_devices', label: 'Command devices', text: 'Have devices locked, restarted and asked, their apps removed and settings changed.' },
      { right: 'wipe_devices', label: 'Wipe devices', text: 'Have devices erased, their passcodes cleared, lost mode begun and ended.' },
      { right: 'send_raw_commands', label: 'Send raw commands', text: 'Give devices commands in the platform’s own words.' },
      { right: 'manage_tags', label: 'Manage tags', text: 'Create tags and set them on devices.' },
      { right: 'manage_organization_groups', label: 'Manage organization groups', text: 'Change the tree of organization groups.' },
    ],
  },
  {
    group: 'Response',
    rights: [
      { right: 'manage_smart_groups', label: 'Manage smart groups', text: 'Create, change and delete smart groups.' },
      { right: 'manage_profiles', label: 'Manage profiles', text: 'Create, change, publish and retire profiles.' },
    ],
  },
  {
    group: 'Administration',
    rights: [
      { right: 'manage_settings', label: 'Manage settings', text: 'Change settings.' },
      { right: 'manage_integrations', label: 'Manage integrations', text: 'Connect threat feeds and other systems.' },
      { right: 'manage_roles', label: 'Manage roles', text: 'Create and change roles and administrators.' },
      { right: 'manage_api_tokens', label: 'Manage API tokens', text: 'Create and revoke API tokens.' },
    ],
  },
];

export const ALL_RIGHTS = RIGHTS.flatMap(({ rights }) => rights);
export const rightLabel = (right: Right) => ALL_RIGHTS.find((each) => each.right === right)?.label ?? right;
