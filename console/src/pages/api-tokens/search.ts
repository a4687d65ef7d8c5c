// What the address of the list of API tokens can say.
import { listSearch } from '../../lib/list';

export const apiTokenSearch = listSearch({ sorts: ['created_at'], filters: {} });
