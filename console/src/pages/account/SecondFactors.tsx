// One's second factors: one-time codes, passkeys, recovery codes.
import { Button, Fieldset, Group, Stack, Text, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { beginNewPasskey, beginTotp, finishNewPasskey, type Passkey, removePasskey, removeTotp, renewRecoveryCodes, type TotpSetup } from '../../api';
import { listPasskeysOptions, listPasskeysQueryKey } from '../../api/@tanstack/react-query.gen';
import { sessionOptions, useSession } from '../../app/session';
import { canUsePasskeys, makePasskey } from '../../lib/passkeys';
import { counted } from '../../lib/words';
import { ConfirmModal } from '../../ui/ConfirmModal';
import { FormModal } from '../../ui/FormModal';
import { ErrorState } from '../../ui/states';
import { Time } from '../../ui/Time';
import { toastDone, toastProblem } from '../../ui/toasts';
import { RecoveryCodes } from './RecoveryCodes';
import { NotConfirmed, useStepUp } from './stepUp';
import { TotpForm } from './TotpForm';

type Dialog = { kind: 'totp'; setup: TotpSetup } | { kind: 'add_passkey' | 'remove_totp' | 'renew' } | { kind: 'remove_passkey'; passkey: Passkey };

/** `onSetUp`: called once a second factor is there and its recovery codes have been seen. */
export function SecondFactors({ onSetUp }: { onSetUp?: () => void }) {
  const queries = useQueryClient();
  const stepUp = useStepUp();
  const { second_factor: factor } = useSession();
  // While a second factor has yet to be set up, there can be no passkeys to list.
  const passkeys = useQuery({ ...listPasskeysOptions(), enabled: !factor?.setup_required });
  const [dialog, setDialog] = useState<Dialog>();
  const [codes, setCodes] = useState<string[]>();
  const [busy, setBusy] = useState(false);
  const close = () => setDialog(undefined);
  const refresh = () =>
    Promise.all([queries.invalidateQueries({ queryKey: sessionOptions.queryKey }), queries.invalidateQueries({ queryKey: listPasskeysQueryKey() })]);
  const added = (recoveryCodes: string[]) => {
    if (recoveryCodes.length > 0) setCodes(recoveryCodes);
    else onSetUp?.();
    if (!onSetUp) void refresh();
  };
  const beginCodes = async () => {
    setBusy(true);
    try {
      const { data } = await stepUp(() => beginTotp({ throwOnError: true }));
      setDialog({ kind: 'totp', setup: data });
    } catch (error) {
      if (!(error instanceof NotConfirmed)) toastProblem(error);
    } finally {
      setBusy(false);
    }
  };
  const items = passkeys.data?.items ?? [];
  const only = (has: boolean, others: number) => has && others === 0 && factor?.required;
  return (
    <>
      <Fieldset legend="Authenticator app">
        <Group justify="space-between">
          <Text size="sm">{factor?.totp ? 'One-time codes are in force.' : 'One-time codes of an app on your phone.'}</Text>
          <Group gap="xs">
            <Button variant="default" loading={busy} onClick={() => void beginCodes()}>{factor?.totp ? 'Set up anew' : 'Set up'}</Button>
            {factor?.totp && <Button variant="default" disabled={only(true, items.length)} title={only(true, items.length) ? 'A second factor is required, and this is your only one.' : undefined} onClick={() => setDialog({ kind: 'remove_totp' })}>Remove</Button>}
          </Group>
        </Group>
      </Fieldset>
      <Fieldset legend="Passkeys">
        <Stack gap="xs">
          {passkeys.error && <ErrorState error={passkeys.error} onRetry={() => void passkeys.refetch()} />}
          {items.length === 0 && <Text size="sm">Your fingerprint, face or PIN on this device, or a security key. Nobody can phish it.</Text>}
          {items.map((passkey) => (
            <Group key={passkey.id} justify="space-between">
              <Text size="sm"><b>{passkey.name}</b>, added <Time at={passkey.created_at} />{passkey.last_used_at ? <>, last used <Time at={passkey.last_used_at} /></> : ', never used'}</Text>
              <Button size="xs" variant="default" aria-label={`Remove the passkey ${passkey.name}`} disabled={only(true, items.length - 1 + Number(factor?.totp))} onClick={() => setDialog({ kind: 'remove_passkey', passkey })}>Remove</Button>
            </Group>
          ))}
          <Group justify="space-between">
            {canUsePasskeys() ? <span /> : <Text size="xs" c="dimmed">Passkeys need HTTPS and a current browser.</Text>}
            <Button variant="default" disabled={!canUsePasskeys()} onClick={() => setDialog({ kind: 'add_passkey' })}>Add a passkey</Button>
          </Group>
        </Stack>
      </Fieldset>
      {factor && (factor.totp || factor.passkeys > 0) && (
        <Fieldset legend="Recovery codes">
          <Group justify="space-between">
            <Text size="sm">{counted(factor.recovery_codes, 'code')} left, for when you have lost your second factor.</Text>
            <Button variant="default" onClick={() => setDialog({ kind: 'renew' })}>Make new codes</Button>
          </Group>
        </Fieldset>
      )}
      {dialog?.kind === 'totp' && <TotpForm setup={dialog.setup} onDone={added} onClose={close} />}
      {dialog?.kind === 'add_passkey' && <PasskeyForm onDone={added} onClose={close} />}
      {dialog?.kind === 'remove_totp' && (
        <ConfirmModal title="Remove the authenticator app" confirmLabel="Remove" onClose={close} onConfirm={() => stepUp(() => removeTotp({ throwOnError: true })).then(refresh)}>
          <Text size="sm">Its codes are no longer asked for.{items.length === 0 && ' You sign in with your password alone then, and your recovery codes go.'}</Text>
        </ConfirmModal>
      )}
      {dialog?.kind === 'remove_passkey' && (
        <ConfirmModal title={`Remove ${dialog.passkey.name}`} confirmLabel="Remove" onClose={close} onConfirm={() => stepUp(() => removePasskey({ path: { id: dialog.passkey.id }, throwOnError: true })).then(refresh)}>
          <Text size="sm">It no longer lets you in.{items.length === 1 && !factor?.totp && ' You sign in with your password alone then, and your recovery codes go.'}</Text>
        </ConfirmModal>
      )}
      {dialog?.kind === 'renew' && (
        <ConfirmModal
          title="Make new recovery codes"
          confirmLabel="Make new codes"
          onClose={close}
          onConfirm={async () => {
            const { data } = await stepUp(() => renewRecoveryCodes({ throwOnError: true }));
            setCodes(data.recovery_codes);
          }}
        >
          <Text size="sm">The codes you have are worth nothing any more.</Text>
        </ConfirmModal>
      )}
      {codes && (
        <RecoveryCodes
          codes={codes}
          onClose={() => {
            setCodes(undefined);
            toastDone('Recovery codes are in force');
            if (onSetUp) onSetUp();
            else void refresh();
          }}
        />
      )}
    </>
  );
}

function PasskeyForm({ onDone, onClose }: { onDone: (recoveryCodes: string[]) => void; onClose: () => void }) {
  const stepUp = useStepUp();
  const form = useForm({ initialValues: { name: '' }, validate: { name: (name) => (name.trim() ? null : 'Enter a name to know it by') } });
  const add = async ({ name }: { name: string }) => {
    const { data: challenge } = await stepUp(() => beginNewPasskey({ body: { name: name.trim() }, throwOnError: true }));
    const credential = await makePasskey(challenge.options);
    const { data } = await finishNewPasskey({ body: { credential }, throwOnError: true });
    onDone(data.recovery_codes);
  };
  return (
    <FormModal title="Add a passkey" form={form} submitLabel="Continue" onSubmit={add} onClose={onClose}>
      <TextInput label="Name" description="For example the device it is on" withAsterisk maxLength={100} data-autofocus {...form.getInputProps('name')} />
    </FormModal>
  );
}
