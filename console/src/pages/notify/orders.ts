// What is asked of the server so that each channel gets the words written for it.
import type { NotifyPreview, NotifyRequest } from '../../api';

export type Draft = { email: boolean; sms: boolean; subject: string; text: string; smsText: string };

/** The window as it opens: nobody is told anything until a channel is chosen. */
export const draftOf = ({ email, sms }: NotifyPreview): Draft => ({
  email: false, sms: false, subject: email.subject, text: email.text, smsText: sms.text,
});

/**
 * The requests to make, one after the other. A request has one message for all its channels, so those with words of
 * their own are asked for each by itself; where nothing was changed the server writes the usual words.
 */
export function orders(draft: Draft, usual: NotifyPreview): NotifyRequest[] {
  const changed = (now: string, before: string) => (now.trim() === before.trim() ? undefined : now.trim());
  const subject = changed(draft.subject, usual.email.subject);
  const message = changed(draft.text, usual.email.text);
  const smsMessage = changed(draft.smsText, usual.sms.text);
  if (draft.email && draft.sms && !message && !smsMessage) return [{ channels: ['email', 'sms'], subject }];
  return [
    ...(draft.email ? [{ channels: ['email' as const], subject, message }] : []),
    ...(draft.sms ? [{ channels: ['sms' as const], message: smsMessage }] : []),
  ];
}
