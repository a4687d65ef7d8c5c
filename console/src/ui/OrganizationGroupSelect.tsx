// Chooses one organization group, shown with the groups above it.
import { Select, type SelectProps } from '@mantine/core';
import { useMemo } from 'react';
import type { OrganizationGroup } from '../api';
import { GLOBAL, useOrganizationGroups } from '../app/scope';

/** `Acme › Europe › Germany`. */
function pathOf(group: OrganizationGroup, groups: Map<string, OrganizationGroup>): string {
  const parent = group.parent_id && groups.get(group.parent_id);
  return parent ? `${pathOf(parent, groups)} › ${group.name}` : group.name;
}

type Props = Omit<SelectProps, 'data'> & {
  /** Offers the whole server, too. */
  withGlobal?: boolean;
};

export function OrganizationGroupSelect({ withGlobal = false, ...props }: Props) {
  const groups = useOrganizationGroups();
  const data = useMemo(() => {
    const byId = new Map(groups.map((group) => [group.id, group]));
    const own = groups.map((group) => ({ value: group.id, label: pathOf(group, byId) })).sort((a, b) => a.label.localeCompare(b.label));
    return withGlobal ? [{ value: GLOBAL, label: 'Global' }, ...own] : own;
  }, [groups, withGlobal]);
  return <Select label="Organization group" searchable allowDeselect={false} nothingFoundMessage="Nothing found" {...props} data={data} />;
}
