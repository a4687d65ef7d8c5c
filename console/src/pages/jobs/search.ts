// What the address of the job list can say.
import { listSearch } from '../../lib/list';

export const jobSearch = listSearch({ sorts: [], filters: {} });
