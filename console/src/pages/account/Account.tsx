// One's own account: who one is, the password, second factors, and where one is signed in.
import { Button, Fieldset, Group, Stack, Text, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { editAccount, endOtherSessions, setPassword } from '../../api';
import { listAdminsQueryKey, listSessionsQueryKey } from '../../api/@tanstack/react-query.gen';
import { sessionOptions, useSession } from '../../app/session';
import { ConfirmModal } from '../../ui/ConfirmModal';
import { FormModal } from '../../ui/FormModal';
import { Link } from '../../ui/Link';
import { PageHeader } from '../../ui/PageHeader';
import { EmptyState } from '../../ui/states';
import { toastDone } from '../../ui/toasts';
import { NewPassword, sameAgain } from '../welcome/NewPassword';
import { passwordError } from '../welcome/password';
import { SecondFactors } from './SecondFactors';
import { SessionList } from './SessionList';
import { StepUpProvider, useStepUp } from './stepUp';

export default function Account() {
  const { admin, role, organization_group: reach } = useSession();
  const queries = useQueryClient();
  const [dialog, setDialog] = useState<'person' | 'password' | 'sign_out'>();
  const close = () => setDialog(undefined);
  if (!admin) return <><PageHeader title="Your account" /><EmptyState title="An API token has no account">Sign in as an administrator.</EmptyState></>;
  const signOutElsewhere = async () => {
    await endOtherSessions({ throwOnError: true });
    toastDone('Signed out everywhere else');
    await queries.invalidateQueries({ queryKey: listSessionsQueryKey() });
  };
  return (
    <StepUpProvider>
      <Stack gap="sm" maw={760}>
        <PageHeader title="Your account" description={<span className="in-text">{admin.name}: <Link to="/roles" search={{ role: role.id }}>{role.name}</Link> for {reach.name}</span>} />
        <Fieldset legend="Signing in">
          <Group justify="space-between">
            <Text size="sm">You sign in as <b>{admin.user_name}</b>{admin.email && <> or <b>{admin.email}</b></>}.</Text>
            <Group gap="xs">
              <Button variant="default" onClick={() => setDialog('person')}>Change name or mail address</Button>
              <Button variant="default" onClick={() => setDialog('password')}>Change the password</Button>
            </Group>
          </Group>
        </Fieldset>
        <SecondFactors />
        <Fieldset legend="Sessions">
          <Stack>
            <SessionList />
            <Group justify="flex-end"><Button variant="default" onClick={() => setDialog('sign_out')}>Sign out everywhere else</Button></Group>
          </Stack>
        </Fieldset>
        {dialog === 'person' && <PersonForm name={admin.name} email={admin.email ?? ''} onClose={close} />}
        {dialog === 'password' && <PasswordForm names={[admin.user_name, admin.email ?? '']} onClose={close} />}
        {dialog === 'sign_out' && (
          <ConfirmModal title="Sign out everywhere else" confirmLabel="Sign out" onConfirm={signOutElsewhere} onClose={close}>
            <Text size="sm">All your sessions but this one end at once.</Text>
          </ConfirmModal>
        )}
      </Stack>
    </StepUpProvider>
  );
}

function PersonForm({ name, email, onClose }: { name: string; email: string; onClose: () => void }) {
  const queries = useQueryClient();
  const stepUp = useStepUp();
  const form = useForm({ initialValues: { name, email }, validate: { name: (typed) => (typed.trim() ? null : 'Enter your name') } });
  const save = async (typed: { name: string; email: string }) => {
    await stepUp(() => editAccount({ body: { name: typed.name.trim(), email: typed.email.trim() || null }, throwOnError: true }));
    toastDone('Your account is changed');
    await Promise.all([queries.invalidateQueries({ queryKey: sessionOptions.queryKey }), queries.invalidateQueries({ queryKey: listAdminsQueryKey() })]);
  };
  return (
    <FormModal title="Change name or mail address" form={form} submitLabel="Change" onSubmit={save} onClose={onClose}>
      <TextInput label="Your name" withAsterisk maxLength={100} autoComplete="name" data-autofocus {...form.getInputProps('name')} />
      <TextInput label="Mail address" description="You can sign in with it, too." type="email" maxLength={254} autoComplete="email" {...form.getInputProps('email')} />
    </FormModal>
  );
}

function PasswordForm({ names, onClose }: { names: string[]; onClose: () => void }) {
  const queries = useQueryClient();
  const stepUp = useStepUp();
  const form = useForm({
    initialValues: { password: '', again: '' },
    validate: { password: (password) => passwordError(password, names), again: sameAgain },
  });
  const save = async ({ password }: { password: string }) => {
    await stepUp(() => setPassword({ body: { password }, throwOnError: true }));
    toastDone('Password changed; you are signed out everywhere else');
    await Promise.all([queries.invalidateQueries({ queryKey: listSessionsQueryKey() }), queries.invalidateQueries({ queryKey: sessionOptions.queryKey })]);
  };
  return (
    <FormModal title="Change the password" form={form} submitLabel="Change" onSubmit={save} onClose={onClose}>
      <Text size="sm" c="dimmed">All your other sessions end.</Text>
      <NewPassword form={form} names={names} label="New password" />
    </FormModal>
  );
}
