// What a change of settings sets off.
import type { Settings } from '../../api';

const decides = ({ disconnected_after_days, compliance, scores, trusted_sources }: Settings) =>
  JSON.stringify([disconnected_after_days, compliance, scores, trusted_sources]);

/** Whether devices have to be evaluated anew. */
export const reevaluates = (before: Settings, after: Settings) => decides(before) !== decides(after);
