import { expect, test } from 'vitest';
import type { Device, DeviceProfile } from '../../api';
import { underApple, unenrolling } from './unenrolling';

const profiles = [{ name: 'MTD High Risk iOS', installed_version: 2 }, { name: 'Wi-Fi', installed_version: null }] as DeviceProfile[];
const device = (platform: Device['platform'], management: Device['management'], on = profiles) => ({ platform, management, ownership: null, profiles: on, open_threats: [] });

test('Apple’s management takes all that it installed with it', () => {
  const { goes, stays } = unenrolling(device('ios', 'supervised'));
  expect(goes[0]).toMatch(/^1 profile on it: MTD High Risk iOS, and/);
  expect(goes.join()).toContain('deployed manually as well');
  expect(stays.join()).toContain('photos');
  expect(underApple(device('android', 'fully_managed'))).toBe(false);
});

test('an agent leaves what was deployed manually', () => {
  expect(unenrolling(device('ios', 'agent')).stays).toContain('Profiles deployed manually.');
  expect(unenrolling(device('android', null, [])).goes).toEqual(['Nothing: no profile is on it.']);
});

test('Google’s work profile goes whole; a device of the organisation is not erased', () => {
  expect(unenrolling(device('android', 'work_profile')).goes[0]).toContain('work profile with all apps');
  const { stays, when } = unenrolling(device('android', 'fully_managed'));
  expect(stays[0]).toContain('the command Wipe');
  expect(when).toContain('Nothing is erased');
});
