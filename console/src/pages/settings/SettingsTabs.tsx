// The parts of the settings.
import { AreaTabs } from '../../ui/AreaTabs';

export const SettingsTabs = () => <AreaTabs label="Settings" pages={[['/settings', 'General'], ['/settings/channels/email', 'Email'], ['/settings/channels/sms', 'SMS'], ['/settings/templates', 'Templates']]} />;
