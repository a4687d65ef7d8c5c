// What the addresses of the directory's lists can say.
import { listSearch } from '../../lib/list';
import { flag, text } from '../../lib/search';

export const userSearch = listSearch({
  sorts: ['user_name', 'score', 'created_at'],
  filters: { q: text, risky: flag, user_group_id: text, email: text },
});
export const userGroupSearch = listSearch({ sorts: ['name', 'members'], filters: { q: text } });
export const memberSearch = listSearch({ sorts: ['created_at'], filters: {} });
