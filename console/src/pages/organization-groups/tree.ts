// Organization groups as a tree.
import type { OrganizationGroup } from '../../api';

export type Branch = { group: OrganizationGroup; depth: number; children: Branch[] };

/** The roots are the groups whose parent is not within reach. Siblings by name. */
export function branches(groups: OrganizationGroup[]): Branch[] {
  const ids = new Set(groups.map(({ id }) => id));
  const below = (parent: string | null, depth: number): Branch[] =>
    groups
      .filter((group) => (parent === null ? !group.parent_id || !ids.has(group.parent_id) : group.parent_id === parent))
      .sort((a, b) => a.name.localeCompare(b.name))
      .map((group) => ({ group, depth, children: below(group.id, depth + 1) }));
  return below(null, 0);
}

/** Every group below and the group itself, as its tree shows them. */
export const flat = (tree: Branch[]): Branch[] => tree.flatMap((branch) => [branch, ...flat(branch.children)]);

/** Where a group may be moved: not into itself or what is below it. */
export function destinations(groups: OrganizationGroup[], id: string): OrganizationGroup[] {
  const self = flat(branches(groups)).find(({ group }) => group.id === id);
  const own = new Set(self ? flat([self]).map(({ group }) => group.id) : []);
  return groups.filter((group) => !own.has(group.id));
}
