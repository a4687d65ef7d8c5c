// Makes a role, from scratch or as a copy, or changes one.
import { Checkbox, Fieldset, SimpleGrid, Stack, Text, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useQueryClient } from '@tanstack/react-query';
import { createRole, editRole, type Right, type Role } from '../../api';
import { listRolesQueryKey } from '../../api/@tanstack/react-query.gen';
import { useRights } from '../../app/session';
import { FormModal } from '../../ui/FormModal';
import { toastDone } from '../../ui/toasts';
import { RIGHTS } from './rights';

type Props = {
  /** The role to change. */
  role?: Role;
  /** The role to begin with when making one. */
  copyOf?: Role;
  onClose: () => void;
};
type Values = { name: string; rights: Right[] };

export function RoleForm({ role, copyOf, onClose }: Props) {
  const queries = useQueryClient();
  const holds = useRights();
  const form = useForm<Values>({
    initialValues: {
      name: role?.name ?? (copyOf ? `${copyOf.name} copy` : ''),
      // What one does not hold cannot be granted, in a copy neither.
      rights: role?.rights ?? copyOf?.rights.filter(holds) ?? ['view'],
    },
    validate: { name: (name) => (name.trim() ? null : 'Enter a name') },
  });
  const left = role ? 0 : (copyOf?.rights.filter((right) => !holds(right)).length ?? 0);
  const refresh = () => queries.invalidateQueries({ queryKey: listRolesQueryKey() });
  const save = async ({ name, rights }: Values, key: string) => {
    if (!role) {
      await createRole({ body: { name: name.trim(), rights }, headers: { 'Idempotency-Key': key }, throwOnError: true });
      toastDone(`Role ${name} created`);
    } else {
      const { data: edited } = await editRole({ path: { id: role.id }, body: { name: name.trim(), rights, version: role.version }, throwOnError: true });
      toastDone(`Role ${name} saved`, async () => {
        await editRole({ path: { id: role.id }, body: { name: role.name, rights: role.rights, version: edited.version }, throwOnError: true });
        await refresh();
      });
    }
    await refresh();
  };
  const title = role ? `Edit ${role.name}` : copyOf ? `Copy ${copyOf.name}` : 'New role';
  return (
    <FormModal title={title} form={form} submitLabel={role ? 'Save' : 'Create'} onSubmit={save} onClose={onClose} size="xl">
      <TextInput label="Name" withAsterisk maxLength={100} data-autofocus {...form.getInputProps('name')} />
      {role && <Text size="sm" c="dimmed">Whoever holds the role is concerned from their next request on.</Text>}
      {left > 0 && <Text size="sm">Rights of {copyOf?.name} that you do not hold yourself are left out.</Text>}
      <Checkbox.Group aria-label="Rights" {...form.getInputProps('rights')}>
        <SimpleGrid cols={{ base: 1, sm: 2 }}><Rights may={holds} /></SimpleGrid>
      </Checkbox.Group>
    </FormModal>
  );
}

/** All rights with what they mean; those one may not give or take are disabled. */
export function Rights({ may }: { may: (right: Right) => boolean }) {
  return RIGHTS.map(({ group, rights }) => (
    <Fieldset key={group} legend={group}>
      <Stack gap="xs">
        {rights.map(({ right, label, text }) => (
          <Checkbox key={right} value={right} label={label} description={may(right) ? text : `${text} You do not hold it yourself.`} disabled={!may(right)} />
        ))}
      </Stack>
    </Fieldset>
  ));
}
