// Which commands a device can be given, by whom, and what the forms ask of the server.
import type { CommandState, Device, DeviceRequestWritable, Platform, Right } from '../../api';
import { commandName } from '../../lib/commands';
import { underApple, underGoogle } from './unenrolling';

export type CommandKind = DeviceRequestWritable['type'];
type Holds = (right: Right) => boolean;
type About = Pick<Device, 'platform' | 'management' | 'ownership' | 'enrollment_status'>;

/** One command to choose. */
export type Offer = {
  kind: CommandKind;
  label: string;
  /** What it does, in a sentence. */
  text: string;
  /** Why this device cannot be given it. */
  not?: string;
};

type Known = {
  /** What the platform calls it; none for what is said in the platform's own words. */
  requestType?: string;
  text: string;
  /** The right to give it, if it does harm or may be anything. */
  right?: Right;
  /** Why a device cannot be given it. */
  not?: (device: About) => string | undefined;
};

const wholly = ({ management }: About) => (management === 'user_enrollment' ? 'Not where only work data are managed.' : undefined);
const supervised = (device: About) => wholly(device) ?? (device.management === 'supervised' ? undefined : 'Supervised devices only.');
const isOrganisations = ({ management, ownership }: About) => management !== 'work_profile' || (ownership !== null && ownership !== 'employee_owned');
const organisations = (device: About) => (isOrganisations(device) ? undefined : 'Devices of the organisation only.');

type Commands = Partial<Record<CommandKind, Known>>;
const APPLE: Commands = {
  device_lock: { requestType: 'DeviceLock', text: 'Locks the screen; the passcode opens it.' },
  enable_lost_mode: { requestType: 'EnableLostMode', text: 'Locks the device and shows only a message, until lost mode is ended.', right: 'wipe_devices', not: supervised },
  disable_lost_mode: { requestType: 'DisableLostMode', text: 'Lets the device be used again.', right: 'wipe_devices', not: supervised },
  clear_passcode: { requestType: 'ClearPasscode', text: 'Takes the passcode off: whoever holds the device is in.', right: 'wipe_devices', not: wholly },
  restart_device: { requestType: 'RestartDevice', text: 'Turns it off and on.', not: supervised },
  remove_application: { requestType: 'RemoveApplication', text: 'Removes an app that management installed, with its data.' },
  settings: { requestType: 'Settings', text: 'Changes its name, Bluetooth, roaming and the hotspot.' },
  device_information: { requestType: 'DeviceInformation', text: 'Model, version of the system, numbers.' },
  security_info: { requestType: 'SecurityInfo', text: 'Passcode and encryption.' },
  profile_list: { requestType: 'ProfileList', text: 'The configuration profiles on it.' },
  installed_application_list: { requestType: 'InstalledApplicationList', text: 'The apps on it, as far as it tells.' },
  erase_device: { requestType: 'EraseDevice', text: 'Deletes all that is on the device, the person’s own data as well.', right: 'wipe_devices', not: wholly },
  raw: { text: 'Anything the platform knows, as a property list.', right: 'send_raw_commands' },
};
const ANDROID: Commands = {
  device_lock: { requestType: 'LOCK', text: 'Locks the screen, or the work profile where that has a lock of its own.' },
  enable_lost_mode: { requestType: 'START_LOST_MODE', text: 'Locks the device and shows only a message, until lost mode is ended.', right: 'wipe_devices', not: organisations },
  disable_lost_mode: { requestType: 'STOP_LOST_MODE', text: 'Lets the device be used again.', right: 'wipe_devices', not: organisations },
  reset_password: { requestType: 'RESET_PASSWORD', text: 'Sets the passcode anew, or takes it off.', right: 'wipe_devices' },
  restart_device: { requestType: 'REBOOT', text: 'Turns it off and on.', not: ({ management }) => (management === 'work_profile' ? 'Fully managed devices only.' : undefined) },
  relinquish_ownership: {
    requestType: 'RELINQUISH_OWNERSHIP', text: 'The work profile and all policies go; what is the person’s stays.', right: 'wipe_devices',
    not: (device) => (device.management === 'work_profile' ? organisations(device) : 'Devices with a work profile only.'),
  },
  erase_device: { requestType: 'WIPE', text: 'Deletes all that is on a device of the organisation, or the work profile on the person’s own.', right: 'wipe_devices' },
};
const COMMANDS = { ios: APPLE, android: ANDROID };

/** In which groups they are offered. */
const GROUPS: { label: string; kinds: CommandKind[] }[] = [
  { label: 'Protect', kinds: ['device_lock', 'enable_lost_mode', 'disable_lost_mode', 'clear_passcode', 'reset_password'] },
  { label: 'Change', kinds: ['restart_device', 'remove_application', 'settings'] },
  { label: 'Ask', kinds: ['device_information', 'security_info', 'profile_list', 'installed_application_list'] },
  { label: 'Gravest', kinds: ['relinquish_ownership', 'erase_device', 'raw'] },
];

/** The rights of which each lets somebody give some command. */
export const COMMAND_RIGHTS: Right[] = ['command_devices', 'wipe_devices', 'send_raw_commands'];

/** Why no command can be given to a device, or undefined. */
export function takesNone(device: About): string | undefined {
  if (!underApple(device) && !underGoogle(device)) {
    return 'Commands are for devices that are managed by their platform. This one has an agent only, or nothing: what profiles ask of it is in the overview.';
  }
  if (device.enrollment_status === 'pending') return 'The device has not enrolled yet.';
  return device.enrollment_status === 'unenrolled' ? 'The device is not managed any more.' : undefined;
}

/** What somebody with these rights can give this device, in groups; empty groups are left out. */
export function offers(device: About, holds: Holds): { label: string; offers: Offer[] }[] {
  if (takesNone(device)) return [];
  const offer = (kind: CommandKind): Offer[] => {
    const known = COMMANDS[device.platform][kind];
    if (!known || !holds(known.right ?? 'command_devices')) return [];
    return [{ kind, label: known.requestType ? commandName(known.requestType) : 'In Apple’s own words', text: known.text, not: known.not?.(device) }];
  };
  return GROUPS.map(({ label, kinds }) => ({ label, offers: kinds.flatMap(offer) })).filter((group) => group.offers.length > 0);
}

const HARMFUL = [APPLE, ANDROID].flatMap((commands) => Object.values(commands)).flatMap(({ requestType, right }) => (requestType && right === 'wipe_devices' ? [requestType] : []));

/** Whether somebody may take such a command back. */
export const mayTakeBack = (requestType: string, holds: Holds) => holds(HARMFUL.includes(requestType) ? 'wipe_devices' : 'command_devices');

/** Whether the name of the device has to be repeated. */
export const needsName = (requestType: string | undefined) => requestType !== undefined && !['DisableLostMode', 'STOP_LOST_MODE'].includes(requestType) && HARMFUL.includes(requestType);

/** What a command in the platform's own words is called there. Not parsed: browsers style what they say of bad XML. */
export function requestTypeOf(plist: string): string | undefined {
  const named = [...plist.matchAll(/<key>\s*RequestType\s*<\/key>\s*<string>\s*([^<\s]+)\s*<\/string>/g)].map(([, name]) => name);
  return named.find(needsName) ?? named[0];
}

export const requestType = (platform: Platform, kind: CommandKind, draft: CommandDraft) => (kind === 'raw' ? requestTypeOf(draft.plist) : COMMANDS[platform][kind]?.requestType);

/** Everything that can be entered for a command. `''` for what is to stay as it is. */
export type CommandDraft = {
  message: string;
  phone_number: string;
  footnote: string;
  preserve_data_plan: boolean;
  disallow_proximity_setup: boolean;
  identifier: string;
  device_name: string;
  bluetooth: Switched;
  data_roaming: Switched;
  voice_roaming: Switched;
  personal_hotspot: Switched;
  plist: string;
  new_password: string;
  require_entry: boolean;
  lock_now: boolean;
};
export type Switched = '' | 'on' | 'off';

export const EMPTY: CommandDraft = {
  message: '', phone_number: '', footnote: '', preserve_data_plan: false, disallow_proximity_setup: false, identifier: '',
  device_name: '', bluetooth: '', data_roaming: '', voice_roaming: '', personal_hotspot: '', plist: '',
  new_password: '', require_entry: false, lock_now: true,
};

const given = (text: string) => text.trim() || undefined;
const switched = (value: Switched) => (value === '' ? undefined : value === 'on');

/** What is asked of the server. */
export function requestOf(type: CommandKind, draft: CommandDraft): DeviceRequestWritable {
  switch (type) {
    case 'device_lock':
      return { type, message: given(draft.message), phone_number: given(draft.phone_number) };
    case 'enable_lost_mode':
      return { type, message: given(draft.message), phone_number: given(draft.phone_number), footnote: given(draft.footnote) };
    case 'erase_device':
      return { type, preserve_data_plan: draft.preserve_data_plan, disallow_proximity_setup: draft.disallow_proximity_setup };
    case 'reset_password':
      return { type, new_password: draft.new_password || undefined, require_entry: draft.require_entry, lock_now: draft.lock_now };
    case 'remove_application':
      return { type, identifier: draft.identifier.trim() };
    case 'settings':
      return {
        type, device_name: given(draft.device_name), bluetooth: switched(draft.bluetooth), data_roaming: switched(draft.data_roaming),
        voice_roaming: switched(draft.voice_roaming), personal_hotspot: switched(draft.personal_hotspot),
      };
    case 'raw':
      return { type, plist: draft.plist };
    default:
      return { type };
  }
}

/** Whether the device may still be given it. */
export const isOpen = (state: CommandState) => state === 'queued' || state === 'sent' || state === 'not_now';

/** What a state means, in a sentence. */
export const STATES: Record<CommandState, string> = {
  queued: 'It waits for the device to come.',
  sent: 'The device was given it and has not answered yet. It is given it again until it does.',
  not_now: 'The device said that it cannot do it now. It is given it again when it comes next.',
  acknowledged: 'The device has done it.',
  error: 'The device could not do it.',
  cancelled: 'It was taken back: by somebody, or because the device left or enrolled again.',
  expired: 'The device did not answer in time.',
  superseded: 'A newer command took its place before the device was given it.',
};
