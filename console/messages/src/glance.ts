// How the phone stands, in one word, and what its owner is to do about it.
import type { DeviceState, OwnIssue, ProtectionStatus } from '../../src/api/types.gen';

export type Glance = 'well' | 'to_do' | 'restricted' | 'lifting';

/** Something to do: an issue the server names, or protection that does not work, which only the app explains. */
export type ToDo = { issue: OwnIssue } | { protection: Exclude<ProtectionStatus, 'activated'> };

export function toDo(state: DeviceState): ToDo[] {
  const issues: ToDo[] = state.issues.map((issue) => ({ issue }));
  // Before anything else: without it the phone cannot tell that the rest was put right.
  return state.protection_status === 'activated' ? issues : [{ protection: state.protection_status }, ...issues];
}

export function glance(state: DeviceState): Glance {
  const open = toDo(state).length > 0 || state.compliance === 'not_compliant';
  if (state.restrictions.length > 0) return open ? 'restricted' : 'lifting';
  return open ? 'to_do' : 'well';
}

/** Where a requested check stands. */
export type Check = 'none' | 'waiting' | 'unanswered' | 'done';

/** A phone that has not answered after so long is probably not connected, in milliseconds. */
export const PATIENCE = 120_000;

export function check(state: DeviceState, now: number): Check {
  if (!state.check_requested_at) return 'none';
  const asked = Date.parse(state.check_requested_at);
  if (state.checked_at && Date.parse(state.checked_at) >= asked) return 'done';
  return now - asked < PATIENCE ? 'waiting' : 'unanswered';
}

/** Whether what was amiss when the owner last looked is so no more. */
export const isAllClear = (seen: string | undefined, now: Glance) => now === 'well' && seen !== undefined && seen !== 'well';
