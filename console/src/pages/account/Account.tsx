// One's own account: who one is, the password, second factors, and where one is signed in.
import { Button, Fieldset, Group, Stack, Text } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { endOtherSessions, setPassword } from '../../api';
import { listSessionsQueryKey } from '../../api/@tanstack/react-query.gen';
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
  const [dialog, setDialog] = useState<'password' | 'sign_out'>();
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
            <Button variant="default" onClick={() => setDialog('password')}>Change the password</Button>
          </Group>
        </Fieldset>
        <SecondFactors />
        <Fieldset legend="Sessions">
          <Stack>
            <SessionList />
            <Group justify="flex-end"><Button variant="default" onClick={() => setDialog('sign_out')}>Sign out everywhere else</Button></Group>
          </Stack>
        </Fieldset>
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
