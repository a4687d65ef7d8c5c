// What a change of settings sets off, and what cannot be set.
import type { Settings } from '../../api';

const decides = ({ disconnected_after_days, compliance, scores, trusted_sources, posture_rules }: Settings) =>
  JSON.stringify([disconnected_after_days, compliance, scores, trusted_sources, posture_rules]);

/** Whether devices have to be evaluated anew. */
export const reevaluates = (before: Settings, after: Settings) => decides(before) !== decides(after);

const LARGEST_LOGO = 64 * 1024;

/** Why a file cannot be the logo, as far as that can be told without the server. */
export function logoProblem({ type, size }: { type: string; size: number }): string | undefined {
  if (!['image/png', 'image/jpeg'].includes(type)) return 'It has to be a PNG or JPEG file.';
  return size > LARGEST_LOGO ? `It has ${Math.ceil(size / 1024)} kB; 64 kB are the most.` : undefined;
}
