// What the addresses of the indicator sets and of their indicators can say.
import type { IndicatorKind, IndicatorOrigin } from '../../api';
import { listSearch } from '../../lib/list';
import { flag, one, search, text } from '../../lib/search';

export const ORIGINS: IndicatorOrigin[] = ['upload', 'url', 'folder'];
export const INDICATOR_KINDS: IndicatorKind[] = ['app_identifier', 'certificate_sha256', 'certificate_sha1', 'file_sha256', 'configuration_profile', 'domain'];

export const setSearch = listSearch({ sorts: ['name', 'indicators', 'loaded_at'], filters: { q: text, origin: one(ORIGINS), failed: flag } });
export const indicatorSearch = listSearch({ sorts: ['value'], filters: { q: text, name: text, kind: one(INDICATOR_KINDS), set_id: text } });

/** `set`: the one shown in full; `job`: the comparison of devices that is followed. */
const page = search({ set: text, job: text });
export const setPage = (raw: Record<string, unknown>) => ({ ...setSearch.validate(raw), ...page(raw) });
