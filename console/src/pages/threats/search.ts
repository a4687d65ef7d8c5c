// What the addresses of the threat list and of the messages kept aside can say.
import type { Family, ThreatStatus } from '../../api';
import { listSearch } from '../../lib/list';
import { many, moment, one, text } from '../../lib/search';
import { RISK_LEVELS } from '../../ui/badges';

export const THREAT_STATUSES: ThreatStatus[] = ['open', 'ignored', 'resolved'];
export const FAMILIES: Family[] = ['application', 'file', 'configuration', 'os', 'network', 'web_content'];

export const threatSearch = listSearch({
  sorts: ['first_seen', 'changed_at'],
  filters: {
    status: many(THREAT_STATUSES),
    family: many(FAMILIES),
    level: many(RISK_LEVELS),
    classification: text,
    source: text,
    device_id: text,
    since: moment,
    until: moment,
  },
});

export const sourceEventSearch = listSearch({ sorts: [], filters: { state: one<'waiting' | 'exception'>(['waiting', 'exception']) } });
