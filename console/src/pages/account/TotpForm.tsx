// Sets up one-time codes: a QR code for the authenticator app, then a code of it.
import { Center, Skeleton, Text, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { confirmTotp, type TotpSetup } from '../../api';
import { CopyField } from '../../ui/CopyField';
import { FormModal } from '../../ui/FormModal';
import { QrCode } from '../../ui/QrCode';
import { useStepUp } from './stepUp';

type Props = { setup: TotpSetup | undefined; onDone: (recoveryCodes: string[]) => void; onClose: () => void };

export function TotpForm({ setup, onDone, onClose }: Props) {
  const stepUp = useStepUp();
  const form = useForm({ initialValues: { code: '' }, validate: { code: (code) => (code.trim() ? null : 'Enter the code the app shows') } });
  const confirm = async ({ code }: { code: string }) => {
    const { data } = await stepUp(() => confirmTotp({ body: { code: code.replaceAll(/\s/g, '') }, throwOnError: true }));
    onDone(data.recovery_codes);
  };
  return (
    <FormModal title="Authenticator app" form={form} submitLabel="Put in force" onSubmit={confirm} onClose={onClose}>
      <Text size="sm">Scan this with an authenticator app, or enter the key there. It is good for five minutes.</Text>
      {setup ? (
        <>
          <Center><QrCode value={setup.url} label="QR code for an authenticator app" size={200} /></Center>
          <CopyField label="Key" value={setup.secret} />
        </>
      ) : <Skeleton h={240} />}
      <TextInput label="Code" description="Six digits, shown by the app" withAsterisk inputMode="numeric" autoComplete="one-time-code" data-autofocus {...form.getInputProps('code')} />
    </FormModal>
  );
}
