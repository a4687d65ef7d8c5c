import { expect, test } from 'vitest';
import type { Device, Right } from '../../api';
import { commandName } from '../../lib/commands';
import { EMPTY, mayTakeBack, needsName, offers, requestOf, requestTypeOf, takesNone } from './commands';

const iphone = (management: Device['management']) => ({ platform: 'ios', management, ownership: null, enrollment_status: 'enrolled' }) as const;
const android = (management: Device['management'], ownership: Device['ownership']) => ({ platform: 'android', management, ownership, enrollment_status: 'enrolled' }) as const;
const holding = (...rights: Right[]) => (right: Right) => rights.includes(right);
const kinds = (groups: ReturnType<typeof offers>) => groups.flatMap((group) => group.offers.map(({ kind }) => kind));

test('rights decide what is offered', () => {
  expect(offers(iphone('supervised'), holding('view', 'manage_devices'))).toEqual([]);
  expect(kinds(offers(iphone('supervised'), holding('wipe_devices')))).toEqual(['enable_lost_mode', 'disable_lost_mode', 'clear_passcode', 'erase_device']);
  const harmless = kinds(offers(iphone('supervised'), holding('command_devices')));
  expect(harmless).toContain('device_lock');
  expect(harmless).not.toContain('erase_device');
  expect(kinds(offers(iphone('supervised'), holding('send_raw_commands')))).toEqual(['raw']);
});

test('what a device cannot do is offered with the reason', () => {
  const all = () => true;
  const not = (management: Device['management']) => offers(iphone(management), all).flatMap((group) => group.offers.filter((offer) => offer.not).map(({ kind }) => kind));
  expect(not('supervised')).toEqual([]);
  expect(not('device_enrollment')).toEqual(['enable_lost_mode', 'disable_lost_mode', 'restart_device']);
  expect(not('user_enrollment')).toEqual(['enable_lost_mode', 'disable_lost_mode', 'clear_passcode', 'restart_device', 'erase_device']);
});

test('only devices that their platform manages take commands', () => {
  expect(takesNone(iphone('agent'))).toBeDefined();
  expect(takesNone({ ...iphone('supervised'), enrollment_status: 'unenrolled' })).toBeDefined();
  expect(takesNone(android('agent', null))).toBeDefined();
  expect(takesNone(android('fully_managed', null))).toBeUndefined();
  expect(takesNone(iphone('user_enrollment'))).toBeUndefined();
});

test('Android devices are offered what Google knows, by whose they are', () => {
  const all = () => true;
  const not = (device: Parameters<typeof offers>[0]) => offers(device, all).flatMap((group) => group.offers.filter((offer) => offer.not).map(({ kind }) => kind));
  expect(kinds(offers(android('fully_managed', null), all))).toEqual([
    'device_lock', 'enable_lost_mode', 'disable_lost_mode', 'reset_password', 'restart_device', 'relinquish_ownership', 'erase_device',
  ]);
  expect(not(android('fully_managed', 'corporate_dedicated'))).toEqual(['relinquish_ownership']);
  expect(not(android('work_profile', 'corporate_dedicated'))).toEqual(['restart_device']);
  expect(not(android('work_profile', 'employee_owned'))).toEqual(['enable_lost_mode', 'disable_lost_mode', 'restart_device', 'relinquish_ownership']);
  expect(['WIPE', 'RESET_PASSWORD', 'START_LOST_MODE', 'RELINQUISH_OWNERSHIP', 'STOP_LOST_MODE', 'LOCK'].map(needsName)).toEqual([true, true, true, true, false, false]);
});

test('what does harm asks for the name of the device, however it is said', () => {
  expect(['EraseDevice', 'ClearPasscode', 'EnableLostMode', 'DisableLostMode', 'DeviceLock'].map(needsName)).toEqual([true, true, true, false, false]);
  const plist = '<?xml version="1.0"?><plist version="1.0"><dict><key>Nested</key><dict><key>RequestType</key><string>Other</string></dict><key>RequestType</key><string>EraseDevice</string></dict></plist>';
  expect(requestTypeOf(plist)).toBe('EraseDevice');
  expect(requestTypeOf('<plist><dict><key>RequestType</key>\n<string>CertificateList</string></dict></plist>')).toBe('CertificateList');
  expect(requestTypeOf('not a list')).toBeUndefined();
  expect(needsName(requestTypeOf(plist))).toBe(true);
  expect(mayTakeBack('EraseDevice', holding('command_devices'))).toBe(false);
  expect(mayTakeBack('DisableLostMode', holding('wipe_devices'))).toBe(true);
  expect(mayTakeBack('CertificateList', holding('command_devices'))).toBe(true);
});

test('what was not entered is not sent', () => {
  const draft = { ...EMPTY, message: ' Call us ', bluetooth: 'off' as const, device_name: ' ' };
  expect(requestOf('device_lock', draft)).toEqual({ type: 'device_lock', message: 'Call us', phone_number: undefined });
  expect(requestOf('settings', draft)).toMatchObject({ device_name: undefined, bluetooth: false, data_roaming: undefined });
  expect(requestOf('profile_list', draft)).toEqual({ type: 'profile_list' });
});

test('commands have names; those the platform alone knows keep theirs', () => {
  expect(requestOf('reset_password', { ...EMPTY, lock_now: false })).toEqual({ type: 'reset_password', new_password: undefined, require_entry: false, lock_now: false });
  expect(commandName('EraseDevice')).toBe('Erase everything');
  expect(commandName('CertificateList')).toBe('CertificateList');
});
