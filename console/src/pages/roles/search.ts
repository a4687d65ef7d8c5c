// What the address of the role list can say.
import { listSearch } from '../../lib/list';
import { flag, one, text } from '../../lib/search';
import { ALL_RIGHTS } from './rights';

export const roleSearch = listSearch({ sorts: ['name'], filters: { q: text, built_in: flag, right: one(ALL_RIGHTS.map(({ right }) => right)) } });

/** `role`: the one whose rights are shown. */
export const validateRoleSearch = (raw: Record<string, unknown>) => ({ ...roleSearch.validate(raw), role: text(raw.role) });
