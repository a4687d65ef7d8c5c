// What the addresses of the User List and of the Summary View can say.
import type { RiskLevel } from '../../api';
import { listSearch } from '../../lib/list';
import { many, search, text } from '../../lib/search';

/** The categories of users; an advisory is no incident. */
export const RISK_STATUSES: Exclude<RiskLevel, 'advisory'>[] = ['high', 'medium', 'low', 'none'];

export const riskyUserSearch = listSearch({ sorts: ['user_name', 'score'], filters: { q: text, risk_status: many(RISK_STATUSES) } });

/** `incident`: the threat whose details are open. */
export const userSummarySearch = search({ incident: text });
