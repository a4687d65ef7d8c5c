// The ways in which a device can enroll by a token.
import type { CreatedEnrollmentToken } from '../../api';

export type Way = 'agent' | 'apple' | 'google';
export const WAYS: Record<Way, string> = { agent: 'With the agent', apple: 'By Apple’s management', google: 'By Google’s management' };

/** The ways that a token offers, the one to be shown first coming first. `google` says whether Google's management is there. */
export function waysOf({ platform, enrollment_profile_url }: Pick<CreatedEnrollmentToken, 'platform' | 'enrollment_profile_url'>, google: boolean): Way[] {
  const own: Way[] = [];
  if (enrollment_profile_url) own.push('apple');
  if (google && platform !== 'ios') own.push('google');
  return platform ? [...own, 'agent'] : ['agent', ...own];
}
