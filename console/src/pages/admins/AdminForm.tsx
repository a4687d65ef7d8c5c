// Adds an administrator, who then follows a link, or changes one.
import { Text, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useQueryClient } from '@tanstack/react-query';
import { type Admin, type AdminLink, createAdmin, editAdmin } from '../../api';
import { listAdminsQueryKey } from '../../api/@tanstack/react-query.gen';
import { useSession } from '../../app/session';
import { GLOBAL } from '../../app/scope';
import { FormModal } from '../../ui/FormModal';
import { OrganizationGroupSelect } from '../../ui/OrganizationGroupSelect';
import { toastDone } from '../../ui/toasts';
import { RoleSelect } from '../roles/roles';

type Props = { admin?: Admin; onCreated: (name: string, link: AdminLink) => void; onClose: () => void };

export function AdminForm({ admin, onCreated, onClose }: Props) {
  const queries = useQueryClient();
  const { server } = useSession();
  const form = useForm({
    initialValues: {
      user_name: admin?.user_name ?? '', name: admin?.name ?? '', email: admin?.email ?? '',
      role: admin?.role ?? '', organization_group_id: admin?.organization_group_id ?? '',
    },
    validate: {
      user_name: (name) => (name.trim() ? null : 'Enter the name to sign in with'),
      name: (name) => (name.trim() ? null : 'Enter a name'),
      role: (role) => (role ? null : 'Choose a role'),
      organization_group_id: (id) => (id ? null : 'Choose an organization group'),
    },
  });
  const refresh = () => queries.invalidateQueries({ queryKey: listAdminsQueryKey() });
  const save = async (values: ReturnType<typeof form.getValues>, key: string) => {
    const body = { ...values, user_name: values.user_name.trim(), name: values.name.trim(), email: values.email.trim() || null };
    if (!admin) {
      const { data } = await createAdmin({ body, headers: { 'Idempotency-Key': key }, throwOnError: true });
      onCreated(data.name, data.link);
    } else {
      const { id, user_name, name, email, role, organization_group_id, version } = admin;
      const { data } = await editAdmin({ path: { id }, body: { ...body, version }, throwOnError: true });
      toastDone(`${body.name} saved`, async () => {
        await editAdmin({ path: { id }, body: { user_name, name, email, role, organization_group_id, version: data.version }, throwOnError: true });
        await refresh();
      });
    }
    await refresh();
  };
  // The server's own administrators stay with Global, those of customers with theirs.
  const global = admin?.organization_group_id === GLOBAL;
  return (
    <FormModal title={admin ? `Edit ${admin.name}` : 'New administrator'} form={form} submitLabel={admin ? 'Save' : 'Create'} onSubmit={save} onClose={onClose}>
      {!admin && <Text size="sm" c="dimmed">They choose their password by a link, which you get to hand on.</Text>}
      <TextInput label="Name" withAsterisk maxLength={100} data-autofocus {...form.getInputProps('name')} />
      <TextInput label="User name" description="To sign in with; unique on this server" withAsterisk maxLength={254} autoCapitalize="none" autoComplete="off" {...form.getInputProps('user_name')} />
      <TextInput label="Mail address" description="Good for signing in as well" type="email" maxLength={254} autoComplete="off" {...form.getInputProps('email')} />
      <RoleSelect description="At most what you may do yourself. A change ends their sessions." {...form.getInputProps('role')} />
      {global ? <Text size="sm">Reach: Global, all customers of this server.</Text> : (
        <OrganizationGroupSelect label="Reach" description="They may do so at and below this organization group" withAsterisk withGlobal={server && !admin} {...form.getInputProps('organization_group_id')} />
      )}
    </FormModal>
  );
}
