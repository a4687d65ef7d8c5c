// What the address of the list of administrators can say.
import type { AdminState } from '../../api';
import { listSearch } from '../../lib/list';
import { many, text } from '../../lib/search';

export const ADMIN_STATES: AdminState[] = ['active', 'invited', 'disabled'];

export const adminSearch = listSearch({ sorts: ['user_name', 'name', 'created_at', 'last_signed_in_at'], filters: { q: text, state: many(ADMIN_STATES), role: text } });
