// The parts of the settings.
import { AreaTabs } from '../../ui/AreaTabs';

const PAGES = [
  ['/settings', 'General'], ['/settings/channels', 'Channels'], ['/settings/channels/email', 'Email'], ['/settings/channels/sms', 'SMS'],
  ['/settings/channels/apns', 'Apple push'], ['/settings/channels/fcm', 'Google push'], ['/settings/templates', 'Templates'],
  ['/settings/apple', 'Apple devices'], ['/settings/android', 'Android enterprise'],
] as const;

export const SettingsTabs = () => <AreaTabs label="Settings" pages={PAGES} />;
