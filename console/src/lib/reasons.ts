// Why a profile should or should not be on a device, in words.
import type { TargetReason } from '../api';

export const TARGET_REASONS: Record<TargetReason, string> = {
  assigned: 'assigned to a smart group the device is in',
  requested: 'optional, and asked for',
  available: 'optional, and not asked for',
  not_compliant: 'assigned for compliance, and the device is not compliant',
  compliant: 'assigned for compliance, and the device is compliant',
  not_assigned: 'the device is in none of its smart groups',
  excluded: 'the device is in an excluded smart group',
  not_matching: 'the device does not match what the profile is limited to',
  match_unknown: 'whether the device matches what the profile is limited to is not known, so it stays as it was',
  removal_date: 'its removal date has passed',
  retired: 'the profile is retired',
  not_enrolled: 'the device is not enrolled',
  install_only: 'it is install only, so it stays',
  manual_deployment: 'its deployment is manual, so it stays',
};
