// What the address of the integration list can say.
import { listSearch } from '../../lib/list';

export const integrationSearch = listSearch({ sorts: ['name'], filters: {} });
