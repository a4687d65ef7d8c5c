// What the address of the dashboard can say.
import { one, search } from '../../lib/search';

export const USER_TABS = ['users_with_risk_incidents', 'top_risky_users'] as const;
export const INCIDENT_TABS = ['risk_incidents', 'top_risk_incidents'] as const;
export const DEVICE_TABS = ['risk', 'compliance', 'protection'] as const;

export const dashboardSearch = search({ users: one(USER_TABS), incidents: one(INCIDENT_TABS), devices: one(DEVICE_TABS) });
