// What the address of the audit page can say.
import { CHANGE_TYPES, OBJECT_KINDS } from '../../lib/changes';
import { listSearch } from '../../lib/list';
import { one, text } from '../../lib/search';

export const auditSearch = listSearch({ sorts: [], filters: { kind: one(OBJECT_KINDS), change: one(CHANGE_TYPES), device_id: text } });

/** `entry`: the position of the one shown in full. */
export const validateAuditSearch = (raw: Record<string, unknown>) => ({ ...auditSearch.validate(raw), entry: text(raw.entry) });
