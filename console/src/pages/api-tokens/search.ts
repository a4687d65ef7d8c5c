// What the address of the list of API tokens can say.
import { listSearch } from '../../lib/list';
import { text } from '../../lib/search';

export const apiTokenSearch = listSearch({ sorts: ['created_at', 'name', 'expires_at', 'last_used_at'], filters: { q: text, role: text } });
