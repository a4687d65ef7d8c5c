// What the addresses of the User List and of the Summary View can say.
import { listSearch } from '../../lib/list';
import { search, text } from '../../lib/search';

export const riskyUserSearch = listSearch({ sorts: ['user_name', 'score'], filters: { search: text } });

/** `incident`: the threat whose details are open. */
export const userSummarySearch = search({ incident: text });
