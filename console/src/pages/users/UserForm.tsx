// Creates or edits a user of the directory.
import { TextInput } from '@mantine/core';
import { isEmail, useForm } from '@mantine/form';
import { useQueryClient } from '@tanstack/react-query';
import { createUser, editUser, type User } from '../../api';
import { getUserQueryKey, listUsersQueryKey } from '../../api/@tanstack/react-query.gen';
import { useOrganizationGroups, useScope } from '../../app/scope';
import { FormModal } from '../../ui/FormModal';
import { OrganizationGroupSelect } from '../../ui/OrganizationGroupSelect';
import { toastDone } from '../../ui/toasts';

type Values = Record<'user_name' | 'display_name' | 'email' | 'phone' | 'locale' | 'organization_group_id', string>;

/** Without what people write between the digits. */
const plainPhone = (phone: string) => phone.replace(/[\s()./-]/g, '');

/** What is left empty is not known. */
export const bodyOf = ({ user_name, organization_group_id, display_name, email, phone, locale }: Values) => ({
  user_name: user_name.trim(),
  display_name: display_name.trim() || null,
  email: email.trim() || null,
  phone: plainPhone(phone) || null,
  locale: locale.trim() || null,
  organization_group_id: organization_group_id || undefined,
});

const valuesOf = (user: User): Values => ({
  user_name: user.user_name,
  display_name: user.display_name ?? '',
  email: user.email ?? '',
  phone: user.phone ?? '',
  locale: user.locale ?? '',
  organization_group_id: user.organization_group_id,
});

type Props = { user?: User; onClose: () => void; onCreated?: (user: User) => void };

export function UserForm({ user, onClose, onCreated }: Props) {
  const queries = useQueryClient();
  const groups = useOrganizationGroups();
  const { og } = useScope();
  const home = og ?? groups.find((group) => !groups.some((each) => each.id === group.parent_id))?.id ?? '';
  const refresh = () => Promise.all([queries.invalidateQueries({ queryKey: listUsersQueryKey() }), user && queries.invalidateQueries({ queryKey: getUserQueryKey({ path: { id: user.id } }) })]);
  const form = useForm<Values>({
    initialValues: user ? valuesOf(user) : { user_name: '', display_name: '', email: '', phone: '', locale: '', organization_group_id: home },
    validate: {
      user_name: (name) => (name.trim() ? null : 'Enter a user name'),
      email: (email) => (email.trim() ? isEmail('This is not a mail address')(email.trim()) : null),
      phone: (phone) => (!phone.trim() || /^\+[1-9]\d{6,14}$/.test(plainPhone(phone)) ? null : 'Begin with + and the country code, for example +49 170 1234567'),
    },
  });
  const save = async (values: Values, key: string) => {
    const body = bodyOf(values);
    if (!user) {
      const { data: created } = await createUser({ body, headers: { 'Idempotency-Key': key }, throwOnError: true });
      toastDone(`${created.display_name ?? created.user_name} created`);
      await refresh();
      onCreated?.(created);
      return;
    }
    const { data: edited } = await editUser({ path: { id: user.id }, body: { ...body, version: user.version }, throwOnError: true });
    toastDone(`${edited.display_name ?? edited.user_name} changed`, async () => {
      await editUser({ path: { id: user.id }, body: { ...bodyOf(valuesOf(user)), version: edited.version }, throwOnError: true });
      await refresh();
    });
    await refresh();
  };
  return (
    <FormModal title={user ? `Edit ${user.display_name ?? user.user_name}` : 'New user'} form={form} submitLabel={user ? 'Save' : 'Create'} onSubmit={save} onClose={onClose}>
      <TextInput label="User name" withAsterisk maxLength={100} data-autofocus autoComplete="off" {...form.getInputProps('user_name')} />
      <TextInput label="Name" maxLength={100} autoComplete="off" {...form.getInputProps('display_name')} />
      <TextInput label="Email" description="Notifications by email go here." type="email" maxLength={254} autoComplete="off" {...form.getInputProps('email')} />
      <TextInput label="Phone" description="Notifications by SMS go here. With country code, for example +49 170 1234567." type="tel" autoComplete="off" {...form.getInputProps('phone')} />
      <TextInput label="Language" description="The language to write in, for example en or de-AT." maxLength={35} autoComplete="off" {...form.getInputProps('locale')} />
      <OrganizationGroupSelect {...form.getInputProps('organization_group_id')} onChange={(value) => form.setFieldValue('organization_group_id', value ?? '')} />
    </FormModal>
  );
}
