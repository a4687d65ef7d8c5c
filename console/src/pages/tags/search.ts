// What the address of the tag list can say.
import { listSearch } from '../../lib/list';

export const tagSearch = listSearch({ sorts: ['name'], filters: {} });
