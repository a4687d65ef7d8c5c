// How an enrollment token stands.
import type { EnrollmentToken } from '../../api';

/** `now` in milliseconds. */
export function stateOf({ used_at, expires_at }: Pick<EnrollmentToken, 'used_at' | 'expires_at'>, now: number): 'used' | 'expired' | 'waiting' {
  if (used_at) return 'used';
  return Date.parse(expires_at) <= now ? 'expired' : 'waiting';
}
