// What the address of the tag list can say.
import { listSearch } from '../../lib/list';
import { flag, text } from '../../lib/search';

export const tagSearch = listSearch({ sorts: ['name'], filters: { q: text, engine: flag } });
