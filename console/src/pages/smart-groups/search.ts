// What the addresses of the smart group pages can say.
import { listSearch } from '../../lib/list';
import { one, search, text } from '../../lib/search';

export const smartGroupSearch = listSearch({
  sorts: ['name', 'devices', 'assignments', 'exclusions'],
  filters: { q: text, used: one<'assigned' | 'excluded' | 'unused'>(['assigned', 'excluded', 'unused']), tag_id: text },
});

/** `job`: the re-evaluation followed. */
const page = search({ job: text });
export const smartGroupListPage = (raw: Record<string, unknown>) => ({ ...smartGroupSearch.validate(raw), ...page(raw) });
export const smartGroupPage = page;
