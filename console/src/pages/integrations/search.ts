// What the address of the integration list can say.
import { listSearch } from '../../lib/list';
import { flag, text } from '../../lib/search';

export const integrationSearch = listSearch({ sorts: ['name'], filters: { q: text, enabled: flag } });
