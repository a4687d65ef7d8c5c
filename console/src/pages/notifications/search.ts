// What the address of the list of notifications can say.
import type { Channel, NotificationState, Trigger } from '../../api';
import { listSearch } from '../../lib/list';
import { moment, one, text } from '../../lib/search';

export const CHANNELS: Channel[] = ['email', 'sms', 'device_message'];
export const STATES: NotificationState[] = ['queued', 'captured', 'sent', 'delivered', 'read', 'failed', 'left_out'];
export const TRIGGERS: Trigger[] = ['account_status', 'notify', 'device', 'digest'];

const list = listSearch({
  sorts: ['created_at'],
  filters: { channel: one(CHANNELS), state: one(STATES), trigger: one(TRIGGERS), user_id: text, device_id: text, since: moment },
});

/** `notification`: the one whose details are open. It is no part of what the list asks for. */
export const notificationSearch = {
  ...list,
  validateAll: (raw: Record<string, unknown>) => ({ ...list.validate(raw), notification: text(raw.notification) }),
};
