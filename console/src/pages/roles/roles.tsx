// Roles as other pages need them: by name, and which of them one may grant.
import { Select, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ComponentProps } from 'react';
import type { Right, Role } from '../../api';
import { listRolesOptions } from '../../api/@tanstack/react-query.gen';
import { useRights } from '../../app/session';
import { rightLabel } from './rights';

export const useRoles = () => useQuery({ ...listRolesOptions({ query: { limit: 500 } }), staleTime: 60_000 }).data?.items;

export function RoleName({ id }: { id: string }) {
  return useRoles()?.find((role) => role.id === id)?.name ?? id;
}

/** The rights of a role that the person signed in does not hold, and so cannot grant. */
export function useBeyond(): (rights: Right[]) => Right[] {
  const holds = useRights();
  return (rights) => rights.filter((right) => !holds(right));
}

export const beyondText = (beyond: Right[]) => `You do not hold ${beyond.map(rightLabel).join(', ')}.`;

type Props = Pick<ComponentProps<typeof Select>, 'value' | 'onChange' | 'error' | 'description' | 'disabled'>;

/** Chooses a role; those that grant more than one holds are shown, disabled, with the reason. */
export function RoleSelect(props: Props) {
  const roles = useRoles() ?? [];
  const beyondOf = useBeyond();
  const beyond = (role: Role | undefined) => (role ? beyondOf(role.rights) : []);
  return (
    <Select
      label="Role"
      withAsterisk
      allowDeselect={false}
      data={roles.map((role) => ({ value: role.id, label: role.name, disabled: beyond(role).length > 0 }))}
      renderOption={({ option }) => {
        const missing = beyond(roles.find((role) => role.id === option.value));
        return (
          <div>
            <Text size="sm">{option.label}</Text>
            {missing.length > 0 && <Text size="xs">{beyondText(missing)}</Text>}
          </div>
        );
      }}
      {...props}
    />
  );
}

/** For filters of the kind `pick`. */
export const pickRole = {
  kind: 'pick' as const,
  useOptions: (typed: string) =>
    (useRoles() ?? []).filter(({ name }) => name.toLowerCase().includes(typed.trim().toLowerCase())).map(({ id, name }) => ({ value: id, label: name })),
  useName: (id: string) => useRoles()?.find((role) => role.id === id)?.name,
};
