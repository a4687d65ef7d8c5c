// How a certificate of a device stands.
import type { DeviceCertificate } from '../../api';

/** `now` in milliseconds. */
export function certificateState({ revoked_at, not_before, not_after }: Pick<DeviceCertificate, 'revoked_at' | 'not_before' | 'not_after'>, now: number): 'good' | 'not_yet' | 'expired' | 'revoked' {
  if (revoked_at) return 'revoked';
  if (Date.parse(not_after) <= now) return 'expired';
  return Date.parse(not_before) > now ? 'not_yet' : 'good';
}
