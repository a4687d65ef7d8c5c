// Which devices a message would not reach; the server decides, this says it before.
import type { DeviceSummary } from '../../api';

type Candidate = Pick<DeviceSummary, 'enrollment_status' | 'protection_status'>;

/** Why a device would be left out; undefined if it would not. Only enrolled and active devices are notified. */
export function leftOut({ enrollment_status, protection_status }: Candidate): string | undefined {
  if (enrollment_status === 'pending') return 'It has not enrolled yet.';
  if (enrollment_status === 'unenrolled') return 'It is not enrolled any more.';
  if (protection_status === 'disconnected') return 'It is not active: nothing was heard of it for too long.';
  if (protection_status === 'unreachable') return 'It is not active: it cannot be reached.';
  return undefined;
}
