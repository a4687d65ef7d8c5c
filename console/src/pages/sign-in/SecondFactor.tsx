// The second factor: a code of an authenticator app, a passkey, or a recovery code.
import { Button, Stack, Text, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { IconFingerprint } from '@tabler/icons-react';
import { useState } from 'react';
import { beginPasskey, finishPasskey, giveRecoveryCode, giveTotp, type Method } from '../../api';
import { canUsePasskeys, signWithPasskey } from '../../lib/passkeys';
import { ErrorState } from '../../ui/states';
import { Frame } from './Frame';
import { useSubmit } from './submit';

const NAMES: Record<Method, string> = { totp: 'Use the authenticator app', passkey: 'Use a passkey', recovery_code: 'Use a recovery code' };

type Props = { methods: Method[]; onDone: () => void; onBack: () => void };

export function SecondFactor({ methods, onDone, onBack }: Props) {
  const usable = methods.filter((method) => method !== 'passkey' || canUsePasskeys());
  const [method, setMethod] = useState<Method | undefined>(usable.includes('passkey') ? 'passkey' : usable[0]);
  return (
    <Frame title="Second factor">
      {method === 'passkey' && <Passkey onDone={onDone} />}
      {method === 'totp' && <Code key={method} label="Code" description="Six digits, shown by your authenticator app" numeric send={giveTotp} onDone={onDone} />}
      {method === 'recovery_code' && <Code key={method} label="Recovery code" description="One of those you wrote down; each is good once" send={giveRecoveryCode} onDone={onDone} />}
      {!method && <Text size="sm">Your passkey cannot be used in this browser at this address. Passkeys need HTTPS and a current browser.</Text>}
      <Stack gap="xs">
        {usable.filter((other) => other !== method).map((other) => <Button key={other} variant="default" onClick={() => setMethod(other)}>{NAMES[other]}</Button>)}
        <Button variant="subtle" onClick={onBack}>Sign in as somebody else</Button>
      </Stack>
    </Frame>
  );
}

type CodeProps = { label: string; description: string; numeric?: boolean; send: typeof giveTotp | typeof giveRecoveryCode; onDone: () => void };

function Code({ label, description, numeric, send, onDone }: CodeProps) {
  const form = useForm({ initialValues: { code: '' }, validate: { code: (code) => (code.trim() ? null : 'Enter the code') } });
  const { busy, problem, onSubmit } = useSubmit(form, async ({ code }) => {
    try {
      await send({ body: { code: numeric ? code.replaceAll(/\s/g, '') : code.trim() }, throwOnError: true });
    } catch (error) {
      // A one-time code is typed anew, not mended.
      if (numeric) form.setFieldValue('code', '');
      throw error;
    }
    onDone();
  });
  return (
    <form noValidate onSubmit={onSubmit}>
      <Stack>
        {problem && <ErrorState error={problem} />}
        <TextInput label={label} description={description} autoFocus inputMode={numeric ? 'numeric' : undefined} autoComplete={numeric ? 'one-time-code' : 'off'} {...form.getInputProps('code')} />
        <Button type="submit" loading={busy}>Continue</Button>
      </Stack>
    </form>
  );
}

function Passkey({ onDone }: { onDone: () => void }) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const ask = async () => {
    setBusy(true);
    setError(undefined);
    try {
      const { data } = await beginPasskey({ throwOnError: true });
      const credential = await signWithPasskey(data.options);
      await finishPasskey({ body: { credential }, throwOnError: true });
      onDone();
    } catch (problem) {
      setError(problem);
      setBusy(false);
    }
  };
  return (
    <Stack>
      {error !== undefined && <ErrorState error={error} />}
      <Text size="sm">Your device asks for your fingerprint, face or PIN.</Text>
      <Button leftSection={<IconFingerprint size={18} aria-hidden />} autoFocus loading={busy} onClick={() => void ask()}>Continue with a passkey</Button>
    </Stack>
  );
}
