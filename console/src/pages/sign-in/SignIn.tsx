// Signing in: name and password, then the second factor if there is one.
import { Button, PasswordInput, Stack, Text, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { getRouteApi } from '@tanstack/react-router';
import { useState } from 'react';
import { type Method, signIn } from '../../api';
import { ErrorState } from '../../ui/states';
import { Frame } from './Frame';
import { SecondFactor } from './SecondFactor';
import { target } from './search';
import { useSubmit } from './submit';

const route = getRouteApi('/sign-in');

export default function SignIn() {
  const { to } = route.useSearch();
  const [methods, setMethods] = useState<Method[]>();
  // A new page, so that nothing fetched by somebody else is shown.
  const enter = () => location.assign(target(to));
  const form = useForm({
    initialValues: { user_name: '', password: '' },
    validate: { user_name: (name) => (name.trim() ? null : 'Enter your user name or mail address'), password: (password) => (password ? null : 'Enter your password') },
  });
  const { busy, problem, onSubmit } = useSubmit(form, async ({ user_name, password }) => {
    const { data } = await signIn({ body: { user_name: user_name.trim(), password }, throwOnError: true });
    if (data.state === 'second_factor_required') setMethods(data.methods ?? []);
    else enter();
  });
  if (methods) return <SecondFactor methods={methods} onDone={enter} onBack={() => setMethods(undefined)} />;
  return (
    <Frame title="Sign in">
      <form noValidate onSubmit={onSubmit}>
        <Stack>
          {problem && <ErrorState error={problem} />}
          <TextInput label="User name or mail address" autoComplete="username" autoCapitalize="none" autoFocus {...form.getInputProps('user_name')} />
          <PasswordInput label="Password" autoComplete="current-password" {...form.getInputProps('password')} />
          <Button type="submit" loading={busy}>Sign in</Button>
          <Text size="xs" c="dimmed">Forgotten your password, or lost your second factor? Another administrator can make you a link to set it anew.</Text>
        </Stack>
      </form>
    </Frame>
  );
}
