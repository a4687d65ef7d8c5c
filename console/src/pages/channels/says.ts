// What the pages of the channels say of each.
import type { Transport } from '../../api';

type Says = {
  /** What it sends, in the middle of a sentence. */
  sends: string;
  /** Its switch, and what it means not to be on. */
  label: string;
  unless: string;
  /** What it means in short, and in full. */
  off: string;
  meanwhile: string;
};

const toPeople = (sends: string): Says => ({
  sends,
  label: `Send every ${sends}`,
  unless: 'Off: they are captured.',
  off: 'captured, not sent',
  meanwhile: `Every ${sends} is made, kept in Notifications with the state “Captured, not sent”, and reaches nobody. What was captured stays captured when the channel is switched on.`,
});
const toAgents = (where: string): Says => ({
  sends: 'push',
  label: `Tell agents on ${where}`,
  unless: 'Off: they hear of what waits for them when they ask by themselves.',
  off: 'agents are not told',
  meanwhile: `Agents on ${where} hear of commands and messages when they ask by themselves. Nothing is lost, but it takes as long as they take.`,
});

export const CHANNELS: Record<Transport, Says> = {
  email: toPeople('mail'),
  sms: toPeople('text message'),
  apns: toAgents('iPhones and iPads'),
  fcm: toAgents('Android'),
};
