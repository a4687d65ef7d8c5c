// Where one-time links lead: the first set-up, an invitation, a new password. The link's text stands after the `#`.
import { Button, Skeleton, Stack, Text, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { inspectLink, type LinkAnswer, type LinkKind, type Method, redeemLink, signIn } from '../../api';
import type { Problem } from '../../lib/api';
import { EmptyState, ErrorState } from '../../ui/states';
import { Time } from '../../ui/Time';
import { Frame } from '../sign-in/Frame';
import { SecondFactor } from '../sign-in/SecondFactor';
import { useSubmit } from '../sign-in/submit';
import { NewPassword, sameAgain } from './NewPassword';
import { passwordError } from './password';

const TITLES: Record<LinkKind, string> = { set_up: 'Set up Allclear', invitation: 'Welcome to Allclear', reset: 'Choose a new password' };

export default function Welcome() {
  const token = location.hash.slice(1);
  const { data, error, refetch } = useQuery<LinkAnswer, Problem>({
    queryKey: ['link', token],
    queryFn: async ({ signal }) => (await inspectLink({ body: { token }, signal, throwOnError: true })).data,
    enabled: Boolean(token),
    staleTime: Infinity,
    retry: false,
  });
  if (data) return <Choose token={token} link={data} />;
  const gone = !token || error?.status === 404;
  return (
    <Frame title={gone ? 'This link is no longer good' : 'Welcome'}>
      {gone ? (
        <EmptyState title="Used, expired or incomplete" action={<Button component="a" href="/sign-in" variant="default">Sign in</Button>}>
          Links are good once and for a limited time. Ask the administrator who sent it for another; for the first set-up, restart the server or run “allclear admin link”.
        </EmptyState>
      ) : error ? <ErrorState error={error} onRetry={() => void refetch()} /> : <Skeleton h={200} />}
    </Frame>
  );
}

function Choose({ token, link }: { token: string; link: LinkAnswer }) {
  const first = link.kind === 'set_up';
  const [methods, setMethods] = useState<Method[]>();
  const form = useForm({
    initialValues: { user_name: link.user_name ?? '', name: link.name ?? '', email: link.email ?? '', password: '', again: '' },
    validate: {
      user_name: (name) => (name.trim() ? null : 'Enter the name to sign in with'),
      name: (name) => (name.trim() ? null : 'Enter your name'),
      password: (password, { user_name, email }) => passwordError(password, [user_name, email]),
      again: sameAgain,
    },
  });
  const { busy, problem, onSubmit } = useSubmit(form, async ({ user_name, name, email, password }) => {
    const own = first ? { user_name: user_name.trim(), email: email.trim() || undefined } : {};
    const { data: redeemed } = await redeemLink({ body: { token, password, name: link.kind === 'reset' ? undefined : name.trim(), ...own }, throwOnError: true });
    history.replaceState(null, '', '/welcome');
    const { data } = await signIn({ body: { user_name: redeemed.user_name, password } });
    if (data?.state === 'second_factor_required') setMethods(data.methods ?? []);
    else location.assign(data ? '/' : '/sign-in');
  });
  const values = form.getValues();
  if (methods) return <SecondFactor methods={methods} onDone={() => location.assign('/')} onBack={() => location.assign('/sign-in')} />;
  return (
    <Frame
      title={TITLES[link.kind]}
      description={<>{first ? 'You become the first administrator of' : 'For'} {first ? link.organization_group.name : `${link.name ?? link.user_name}, ${link.organization_group.name}`}. The link expires <Time at={link.expires_at} />.</>}
    >
      <form noValidate onSubmit={onSubmit}>
        <Stack>
          {problem && <ErrorState error={problem} />}
          {first ? (
            <>
              <TextInput label="User name" description="You sign in with it" withAsterisk autoComplete="username" autoCapitalize="none" autoFocus maxLength={254} {...form.getInputProps('user_name')} />
              <TextInput label="Mail address" description="Good for signing in as well" type="email" autoComplete="email" maxLength={254} {...form.getInputProps('email')} />
            </>
          ) : (
            <>
              <Text size="sm">You sign in as <b>{link.user_name}</b>{link.email && <> or <b>{link.email}</b></>}.</Text>
              {/* For password managers. */}
              <input type="text" hidden readOnly autoComplete="username" value={link.user_name ?? ''} />
            </>
          )}
          {link.kind !== 'reset' && <TextInput label="Your name" withAsterisk autoComplete="name" maxLength={100} {...form.getInputProps('name')} />}
          <NewPassword form={form} names={[values.user_name, values.email]} />
          <Button type="submit" loading={busy}>{link.kind === 'reset' ? 'Set the password' : 'Continue'}</Button>
        </Stack>
      </form>
    </Frame>
  );
}
