// Commands of platforms in words, wherever they are told of: in a device's list and in the journal.

const NAMES: Record<string, string> = {
  DeviceLock: 'Lock screen',
  EnableLostMode: 'Begin lost mode',
  DisableLostMode: 'End lost mode',
  ClearPasscode: 'Clear passcode',
  EraseDevice: 'Erase everything',
  RestartDevice: 'Restart',
  RemoveApplication: 'Remove app',
  Settings: 'Change settings',
  DeviceInformation: 'Ask what it is',
  SecurityInfo: 'Ask how it is secured',
  ProfileList: 'Ask for its profiles',
  InstalledApplicationList: 'Ask for its apps',
  LOCK: 'Lock screen',
  START_LOST_MODE: 'Begin lost mode',
  STOP_LOST_MODE: 'End lost mode',
  RESET_PASSWORD: 'Reset passcode',
  WIPE: 'Wipe',
  REBOOT: 'Restart',
  RELINQUISH_OWNERSHIP: 'Give to the person',
};

/** A command by what its platform calls it; what has no name of ours keeps the platform's. */
export const commandName = (requestType: string) => NAMES[requestType] ?? requestType;
