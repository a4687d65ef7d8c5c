// The settings of how Apple devices are managed, saved together.
import { Button, Checkbox, Fieldset, Group, NumberInput, PasswordInput, SegmentedControl, SimpleGrid, Stack, Switch, Text, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { IconDownload } from '@tabler/icons-react';
import { type AppleMdm, setAppleMdm } from '../../api';
import { getAppleMdmQueryKey } from '../../api/@tanstack/react-query.gen';
import { useRights } from '../../app/session';
import { download } from '../../lib/download';
import { KeyText } from '../../ui/KeyText';
import { SavedForm } from '../../ui/SavedForm';
import { Facts } from '../../ui/Section';
import { Time } from '../../ui/Time';
import { ACCESS_RIGHTS, appleDraft, type AppleDraft, appleEdit, losesDevices } from './edits';
import { day, PushFacts, PushWarning } from './PushCertificate';
import { TrustedAuthorities } from './TrustedAuthorities';

const LONGEST = 3650;

type Props = { saved: AppleMdm; onDialog: (dialog: 'request' | 'remove') => void; onLost: () => void };

export function AppleForm({ saved, onDialog, onLost }: Props) {
  const mayManage = useRights()('manage_settings');
  const form = useForm<AppleDraft>({
    initialValues: appleDraft(saved),
    validate: { certificate_days: (days) => (days !== '' && days >= 1 && days <= LONGEST ? null : `Between 1 and ${LONGEST} days`) },
  });
  const of = (name: keyof AppleDraft) => form.getInputProps(name);
  const put = async (values: AppleDraft) => (await setAppleMdm({ body: appleEdit(values, saved.version), throwOnError: true })).data;
  const { authority, push_certificate: push } = saved;
  const elsewhere = form.values.by === 'elsewhere';
  return (
    <Stack>
      <PushWarning saved={saved} />
      <SavedForm what="how Apple devices are managed" saved="Apple devices saved" queryKey={getAppleMdmQueryKey()} form={form} put={put} onSaved={(answer) => losesDevices(saved, answer) && onLost()}>
        <Fieldset legend="Push certificate" disabled={!mayManage}>
          <Stack gap="sm">
            <PushFacts saved={saved} />
            {mayManage && (
              <>
                <Group>
                  <Button variant="default" disabled={form.isDirty()} onClick={() => onDialog('request')}>{push ? 'Request the next one' : 'Request a push certificate'}</Button>
                  {push && <Button variant="default" disabled={form.isDirty()} onClick={() => onDialog('remove')}>Remove</Button>}
                </Group>
                {form.isDirty() && <Text size="sm" c="dimmed">Save or discard what you have changed before you request or remove one.</Text>}
                <KeyText label={push ? 'Next certificate' : 'Certificate'} accept=".pem,.cer,.crt" placeholder="-----BEGIN CERTIFICATE-----" description="What Apple gave, in PEM. Its key is the one it was requested with." {...of('push_certificate')} />
                <KeyText label="Private key" accept=".pem,.key" placeholder="-----BEGIN PRIVATE KEY-----" description="Only if the certificate was not requested here. Kept encrypted, never shown again." {...of('push_key')} />
              </>
            )}
          </Stack>
        </Fieldset>
        <Fieldset legend="Certificates of devices" disabled={!mayManage}>
          <Stack gap="sm">
            <Text size="sm" c="dimmed">Each device has a certificate of its own, by which it is known whenever it calls.</Text>
            <SegmentedControl
              aria-label="Who issues them" disabled={!mayManage} style={{ alignSelf: 'flex-start' }} {...of('by')}
              data={[{ value: 'here', label: 'Issued here' }, { value: 'elsewhere', label: 'By another authority' }]}
            />
            {elsewhere ? (
              <>
                <TextInput label="Address (SCEP)" type="url" withAsterisk description="Where devices get their certificate. The authority must be trusted below and issue it under the common name that is requested." placeholder="https://ca.example.com/scep" maxLength={2048} {...of('scep_url')} />
                <PasswordInput
                  label="Password (challenge)" autoComplete="new-password" maxLength={1024} disabled={!mayManage || form.values.without_challenge}
                  description={saved.scep_challenge_set ? 'Set. Leave it empty to keep it.' : 'If the authority asks for one. Every device gets it with its enrollment profile.'} {...of('scep_challenge')}
                />
                {saved.scep_challenge_set && <Checkbox label="Use no password any more" {...form.getInputProps('without_challenge', { type: 'checkbox' })} />}
              </>
            ) : (
              <NumberInput label="Good for" description="Devices renew them by themselves before they end." suffix=" days" min={1} max={LONGEST} allowDecimal={false} w={{ base: '100%', xs: 280 }} {...of('certificate_days')} />
            )}
            {authority ? (
              <>
                <Text size="sm" fw={600}>The authority here</Text>
                <Facts facts={[['Subject', authority.subject], ['Ends', <span key="ends"><Time at={authority.not_after} /> ({day(authority.not_after)})</span>], ['SHA-256', authority.fingerprint]]} />
                {saved.former_authorities.length > 0 && (
                  <Text size="sm" c="dimmed">
                    It took the place of {saved.former_authorities.map(({ fingerprint, not_after }, i) => <span key={fingerprint}>{i > 0 && ', '}one that ends <Time at={not_after} /> ({day(not_after)})</span>)}: what that issued is good until it ends.
                  </Text>
                )}
                <Group>
                  <Button size="xs" variant="default" leftSection={<IconDownload size={14} aria-hidden />} onClick={() => download('authority.pem', new Blob([authority.certificate], { type: 'application/x-pem-file' }))}>Download its certificate</Button>
                </Group>
              </>
            ) : (
              <Text size="sm">The authority here is made when these settings are saved for the first time.</Text>
            )}
            <TrustedAuthorities form={form} saved={saved.trusted_authorities} mayManage={mayManage} />
          </Stack>
        </Fieldset>
        <Fieldset legend="Older algorithms" disabled={!mayManage}>
          <Stack gap="sm">
            <Text size="sm" c="dimmed">Apple’s own devices need neither.</Text>
            <Switch label="Let enrolling devices use SHA-1, DES and 3DES" description="For clients that get their certificate in old ways only." {...form.getInputProps('legacy_enrollment', { type: 'checkbox' })} />
            <Switch label="Let devices sign their messages over SHA-1" {...form.getInputProps('sha1_signatures', { type: 'checkbox' })} />
          </Stack>
        </Fieldset>
        <Fieldset legend="What the management may do" disabled={!mayManage}>
          <Checkbox.Group label="Shown to the person who enrolls" description="Concerns devices that enroll from now on. What is left out cannot be added to a device later, and commands that need it fail there." {...of('access_rights')}>
            <SimpleGrid cols={{ base: 1, sm: 2 }} mt="xs" spacing="xs">
              {ACCESS_RIGHTS.map(([bit, label]) => <Checkbox key={bit} value={String(bit)} label={label} />)}
            </SimpleGrid>
          </Checkbox.Group>
        </Fieldset>
        <Fieldset legend="Where devices are woken" disabled={!mayManage}>
          <Stack gap="sm">
            <TextInput label="Address" type="url" description="Empty: at Apple. Otherwise a proxy for its push service." placeholder="https://api.push.apple.com" maxLength={500} {...of('push_url')} />
            {form.values.push_url.trim() !== '' && (
              <KeyText label="Its authority" accept=".pem,.cer,.crt" placeholder="-----BEGIN CERTIFICATE-----" description="The certificate in PEM, if the authority is none of the public ones." {...of('push_authority')} />
            )}
          </Stack>
        </Fieldset>
      </SavedForm>
    </Stack>
  );
}
