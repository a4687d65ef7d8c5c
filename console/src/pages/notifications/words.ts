// What brought a message about, in words.
import type { Trigger } from '../../api';

export const TRIGGER: Record<Trigger, string> = { account_status: 'Account Status', notify: 'Notify', device: 'Device notification', digest: 'Digest' };
