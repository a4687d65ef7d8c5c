// What the addresses of the profile pages can say.
import type { Platform, ProfileState } from '../../api';
import { listSearch } from '../../lib/list';
import { many, one, search, text } from '../../lib/search';

export const PLATFORMS: Platform[] = ['android', 'ios'];
export const STATES: ProfileState[] = ['draft', 'published', 'retired'];
export const TABS = ['general', 'payloads', 'assignment', 'versions'] as const;
export type Tab = (typeof TABS)[number];

export const profileSearch = listSearch({
  sorts: ['name', 'platform', 'state', 'updated_at'],
  filters: { q: text, platform: one(PLATFORMS), state: many(STATES), smart_group_id: text },
});

/** `job`: the re-evaluation followed; `version`: the one compared with the one before it. */
export const profilePage = search({ tab: one(TABS), job: text, version: text, platform: one(PLATFORMS) });
