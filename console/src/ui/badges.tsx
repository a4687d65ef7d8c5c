// Risk levels and statuses: always an icon and a word, never colour alone.
import {
  IconAlertCircle, IconAlertOctagon, IconAlertTriangle, IconArchive, IconCheck, IconCircleCheck, IconClock,
  IconDownload, IconEye, IconEyeOff, IconHelpCircle, IconInfoCircle, IconMinus, IconPencil, IconPlugX, IconSend, IconShieldCheck,
  IconShieldOff, IconTrash, IconX,
} from '@tabler/icons-react';
import type {
  CommandState, Compliance, EnrollmentStatus, JobState, NotificationState, ProfileState, ProfileStatus, ProtectionStatus, RiskLevel, ThreatStatus,
} from '../api';
import { words } from '../lib/words';

export type Tone = 'bad' | 'serious' | 'warn' | 'info' | 'good' | 'neutral';
export type Look = [Tone, typeof IconCheck];

/** From worst to best. */
export const RISK_LEVELS: RiskLevel[] = ['high', 'medium', 'low', 'advisory', 'none'];
const RISK: Record<RiskLevel, Look> = {
  high: ['bad', IconAlertOctagon],
  medium: ['serious', IconAlertTriangle],
  low: ['warn', IconAlertCircle],
  advisory: ['info', IconInfoCircle],
  none: ['neutral', IconCircleCheck],
};

export type Status = Compliance | ProtectionStatus | EnrollmentStatus | ProfileStatus | ProfileState | ThreatStatus | JobState | NotificationState | CommandState;
const STATUS: Record<Status, Look> = {
  compliant: ['good', IconCheck],
  not_compliant: ['bad', IconX],
  unknown: ['neutral', IconHelpCircle],
  pending: ['info', IconClock],
  activated: ['good', IconShieldCheck],
  deactivated: ['serious', IconShieldOff],
  disconnected: ['warn', IconPlugX],
  unreachable: ['warn', IconPlugX],
  enrolled: ['good', IconCheck],
  unenrolled: ['neutral', IconMinus],
  pending_install: ['info', IconClock],
  installing: ['info', IconDownload],
  installed: ['good', IconCheck],
  failed: ['bad', IconX],
  pending_removal: ['info', IconClock],
  removed: ['neutral', IconTrash],
  not_applicable: ['neutral', IconMinus],
  draft: ['info', IconPencil],
  published: ['good', IconCheck],
  retired: ['neutral', IconArchive],
  open: ['bad', IconAlertTriangle],
  ignored: ['neutral', IconEyeOff],
  resolved: ['good', IconCheck],
  waiting: ['neutral', IconClock],
  running: ['info', IconDownload],
  done: ['good', IconCheck],
  queued: ['neutral', IconClock],
  captured: ['warn', IconArchive],
  sent: ['info', IconSend],
  delivered: ['good', IconCheck],
  read: ['good', IconEye],
  left_out: ['neutral', IconMinus],
  not_now: ['info', IconClock],
  acknowledged: ['good', IconCheck],
  error: ['bad', IconX],
  cancelled: ['neutral', IconMinus],
  expired: ['warn', IconClock],
  superseded: ['neutral', IconMinus],
};

export function Badge({ look: [tone, Icon], text }: { look: Look; text: string }) {
  return (
    <span className="badge" data-tone={tone}>
      <Icon size={13} aria-hidden />
      {text}
    </span>
  );
}

export const RiskBadge = ({ level }: { level: RiskLevel }) => <Badge look={RISK[level]} text={words(level)} />;
export const StatusBadge = ({ status }: { status: Status }) => <Badge look={STATUS[status]} text={words(status)} />;
