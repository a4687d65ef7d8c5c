// What the address of the Protections table can say.
import type { Family, Platform, Response } from '../../api';
import { listSearch } from '../../lib/list';
import { flag, many, one, search, text } from '../../lib/search';
import { RISK_LEVELS } from '../../ui/badges';

export const FAMILIES: Family[] = ['application', 'file', 'configuration', 'os', 'network', 'web_content'];
export const RESPONSES: Response[] = ['alert', 'do_not_alert', 'block_domain', 'block_internet'];

export const protectionsSearch = listSearch({
  sorts: ['name', 'family', 'risk_level', 'open_threats'],
  filters: {
    q: text,
    family: many(FAMILIES),
    platform: one<Platform>(['android', 'ios']),
    risk_level: many(RISK_LEVELS),
    response: many(RESPONSES),
    changed: flag,
    untranslated: text,
  },
});

/** `row`: the classification shown in full, `tab` and `language` what of it; `job`: the re-evaluation followed. */
const page = search({ row: text, tab: one(['texts']), language: text, job: text });
export const protectionsPage = (raw: Record<string, unknown>) => ({ ...protectionsSearch.validate(raw), ...page(raw) });
