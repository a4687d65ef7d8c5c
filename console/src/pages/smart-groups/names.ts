// The names of what criteria and profiles refer to by id.
import { useOrganizationGroups } from '../../app/scope';
import { useAllSmartGroups, useAllTags, useAllUserGroups } from '../../ui/PickMany';
import type { Names } from './selection';

/** Tags, smart groups, user groups and organization groups by id; what is not known stays as it is. */
export function useNames(): Names {
  const all = [useAllTags(), useAllSmartGroups(), useAllUserGroups(), useOrganizationGroups()];
  const names = new Map(all.flatMap((items) => (items ?? []).map(({ id, name }) => [id, name] as const)));
  return (id) => names.get(id) ?? id;
}
