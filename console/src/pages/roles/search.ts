// What the address of the role list can say.
import { listSearch } from '../../lib/list';
import { text } from '../../lib/search';

export const roleSearch = listSearch({ sorts: ['name'], filters: {} });

/** `role`: the one whose rights are shown. */
export const validateRoleSearch = (raw: Record<string, unknown>) => ({ ...roleSearch.validate(raw), role: text(raw.role) });
