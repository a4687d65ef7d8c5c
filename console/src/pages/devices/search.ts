// What the addresses of the device list and the device page can say.
import type { AppSource, Compliance, EnrollmentStatus, Ownership, Platform, ProfileStatus, ProtectionStatus } from '../../api';
import { listSearch } from '../../lib/list';
import { flag, many, one, search, text } from '../../lib/search';
import { RISK_LEVELS } from '../../ui/badges';

export const PLATFORMS: Platform[] = ['android', 'ios'];
export const OWNERSHIPS: Ownership[] = ['corporate_dedicated', 'corporate_shared', 'employee_owned'];
export const ENROLLMENT_STATUSES: EnrollmentStatus[] = ['pending', 'enrolled', 'unenrolled'];
export const COMPLIANCES: Compliance[] = ['compliant', 'not_compliant', 'unknown'];
export const PROTECTION_STATUSES: ProtectionStatus[] = ['pending', 'activated', 'deactivated', 'disconnected', 'unreachable'];
export const PROFILE_STATUSES: ProfileStatus[] = [
  'pending_install', 'installing', 'installed', 'failed', 'pending_removal', 'removed', 'not_applicable',
];

export const deviceSearch = listSearch({
  sorts: ['friendly_name', 'risk_level', 'score', 'created_at'],
  filters: {
    q: text,
    risk_level: many(RISK_LEVELS),
    risky: flag,
    platform: one(PLATFORMS),
    compliance: one(COMPLIANCES),
    protection_status: many(PROTECTION_STATUSES),
    enrollment_status: many(ENROLLMENT_STATUSES),
    ownership: one(OWNERSHIPS),
    user_id: text,
    tag_id: text,
    smart_group_id: text,
    profile_id: text,
    profile_status: many(PROFILE_STATUSES),
    manufacturer: text,
    model: text,
    os_version: text,
  },
});

export const APP_SOURCES: AppSource[] = ['store', 'sideloaded', 'unknown'];
export const appSearch = listSearch({ sorts: ['name', 'identifier'], filters: { q: text, source: one(APP_SOURCES), fitting: flag } });

export const commandSearch = listSearch({ sorts: [], filters: {} });

/** `command`: the one that is shown in full. */
const own = search({ tab: one(['overview', 'why', 'apps', 'commands', 'timeline']), command: text });
export const devicePageSearch = (raw: Record<string, unknown>) => ({ ...appSearch.validate(raw), ...own(raw) });
