// The API's values in the words shown to people.

const SPECIAL: Record<string, string> = {
  ios: 'iOS', os: 'OS', none: 'None', sms: 'SMS', apns: 'Apple push', fcm: 'Google push', captured: 'Captured, not sent', api_token: 'API token', apple_mdm: 'Apple devices', admin: 'Administrator',
  url: 'URL', stix: 'STIX', certificate_sha256: 'Certificate SHA-256', certificate_sha1: 'Certificate SHA-1', file_sha256: 'File SHA-256',
};

/** `not_compliant` → `Not compliant`. */
export function words(value: string): string {
  const text = value.replaceAll('_', ' ');
  return SPECIAL[value] ?? text.charAt(0).toUpperCase() + text.slice(1);
}

const numbers = new Intl.NumberFormat();
export const count = (n: number) => numbers.format(n);
/** `3 devices`, `1 device`. */
export const counted = (n: number, noun: string, plural = `${noun}s`) => `${count(n)} ${n === 1 ? noun : plural}`;

/** Whether every word typed is in one of the texts. */
export function mentions(typed: string | undefined, ...texts: (string | null | undefined)[]): boolean {
  const text = texts.join(' ').toLowerCase();
  return (typed ?? '').toLowerCase().split(/\s+/).every((word) => text.includes(word));
}
