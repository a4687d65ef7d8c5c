// What goes and what stays when the management of a device ends, in plain words.
import type { Device } from '../../api';
import { counted } from '../../lib/words';

type About = Pick<Device, 'platform' | 'management' | 'ownership' | 'profiles' | 'open_threats'>;

const APPLE = ['supervised', 'device_enrollment', 'user_enrollment'];
const GOOGLE = ['fully_managed', 'work_profile', 'dedicated'];

/** Whether Apple's own management is on the device. */
export const underApple = ({ platform, management }: Pick<Device, 'platform' | 'management'>) => platform === 'ios' && APPLE.includes(management ?? '');

/** Whether Google's management is on the device. */
export const underGoogle = ({ platform, management }: Pick<Device, 'platform' | 'management'>) => platform === 'android' && GOOGLE.includes(management ?? '');

const listed = (profiles: Device['profiles']) => `${counted(profiles.length, 'profile')} on it: ${profiles.map(({ name }) => name || 'a deleted one').join(', ')}`;

export function unenrolling(device: About): { goes: string[]; stays: string[]; when: string } {
  const installed = device.profiles.filter(({ installed_version }) => installed_version !== null);
  const record = `Here its record: ${counted(device.open_threats.length, 'open threat')}, tags, timeline.`;
  if (underApple(device)) {
    return {
      goes: [
        ...(installed.length === 0 ? [] : [`${listed(installed)}, and with them what they set up: restrictions, Wi-Fi, VPN, rules for the passcode.`]),
        'The management itself, last, and with it everything that it installed, profiles deployed manually as well.',
        'Commands that wait for it.',
      ],
      stays: ['What is the person’s own: photos, messages, accounts, the apps they installed, their passcode.', record],
      when: 'It happens when the device comes next; until then everything is on it. Nothing is erased.',
    };
  }
  const restricted = installed.length === 0 ? [] : [`${listed(installed)}, and with them what they restrict.`];
  if (underGoogle(device) && device.management === 'work_profile') {
    return {
      goes: ['The work profile with all apps, accounts and data in it.', ...restricted, 'Commands that wait for it.'],
      stays: ['What is the person’s own: their apps, photos, messages, accounts.', record],
      when: 'It happens when Google next reaches the device; until then everything is on it.',
    };
  }
  if (underGoogle(device)) {
    return {
      goes: [...restricted, 'Commands that wait for it.'],
      stays: ['All apps and data, and Google’s management, which asks nothing of the device any more. To take everything off, give it the command Wipe instead.', record],
      when: 'It happens when Google next reaches the device. Nothing is erased.',
    };
  }
  return {
    goes: [installed.length === 0 ? 'Nothing: no profile is on it.' : `${listed(installed)}. Managed ones are taken off.`],
    stays: ['Profiles deployed manually.', 'What is the person’s own: photos, messages, accounts, apps.', record],
    when: 'Its agent takes them off when it asks next. Nothing is erased.',
  };
}
