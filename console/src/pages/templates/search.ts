// What the address of the list of templates can say, and the words for what they are about.
import type { Channel, TemplateTrigger } from '../../api';
import { listSearch } from '../../lib/list';
import { flag, one, text } from '../../lib/search';

export const ABOUT: Record<TemplateTrigger, string> = { account_status: 'Account Status', all_clear: 'All clear', notify: 'Notify', device: 'Device notification' };
export const TEMPLATE_TRIGGERS = Object.keys(ABOUT) as TemplateTrigger[];
const TO_PEOPLE: Channel[] = ['email', 'sms', 'device_message'];
/** The channels a message about this goes by. */
export const GOES_BY: Record<TemplateTrigger, Channel[]> = { account_status: TO_PEOPLE, all_clear: TO_PEOPLE, notify: ['email', 'sms'], device: ['device_message'] };

export const templateSearch = listSearch({
  sorts: ['language'],
  filters: { trigger: one(TEMPLATE_TRIGGERS), channel: one(TO_PEOPLE), language: text, changed: flag },
});
