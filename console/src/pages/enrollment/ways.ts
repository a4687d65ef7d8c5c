// The ways in which a device can enroll by a token.
import type { CreatedEnrollmentToken } from '../../api';

export type Way = 'agent' | 'apple';
export const WAYS: Record<Way, string> = { agent: 'With the agent', apple: 'By Apple’s management' };

/** The ways that a token offers, the one to be shown first coming first. */
export function waysOf({ platform, enrollment_profile_url }: Pick<CreatedEnrollmentToken, 'platform' | 'enrollment_profile_url'>): Way[] {
  if (!enrollment_profile_url) return ['agent'];
  return platform === 'ios' ? ['apple', 'agent'] : ['agent', 'apple'];
}
