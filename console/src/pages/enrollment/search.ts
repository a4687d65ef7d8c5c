// What the address of the enrollment tokens can say.
import { listSearch } from '../../lib/list';

export const enrollmentSearch = listSearch({ sorts: [], filters: {} });
