// Email: the relays in the order they are tried in, signing, and how much at once.
import { Button, Fieldset, Group, NumberInput, PasswordInput, Select, SimpleGrid, Stack, Switch, Text, Textarea, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { IconArrowUp, IconPlus, IconTrash } from '@tabler/icons-react';
import { type EmailChannel, type Security, setEmailChannel } from '../../api';
import { getEmailChannelQueryKey } from '../../api/@tanstack/react-query.gen';
import { useRights } from '../../app/session';
import { Link } from '../../ui/Link';
import { ChannelFrame } from './ChannelFrame';
import { emailDraft, type EmailDraft, emailEdit, keepsPassword, newRelay, PORTS } from './edits';

const MOST_RELAYS = 5;
const SECURITY: { value: Security; label: string }[] = [
  { value: 'starttls', label: 'STARTTLS, required' },
  { value: 'tls', label: 'TLS from the start' },
  { value: 'plain', label: 'None, only inside' },
];

export function EmailForm({ saved }: { saved: EmailChannel }) {
  const mayManage = useRights()('manage_settings');
  const form = useForm<EmailDraft>({ initialValues: emailDraft(saved) });
  const { relays, sign } = form.values;
  const put = async (values: EmailDraft) => (await setEmailChannel({ body: emailEdit(values, saved.version), throwOnError: true })).data;
  return (
    <ChannelFrame channel="email" saved={saved} queryKey={getEmailChannelQueryKey()} form={form} put={put}>
      <Text size="sm" c="dimmed" className="in-text">Whom mails are from, and their look, is set in <Link to="/settings">Settings &gt; Branding</Link>.</Text>
      {relays.map((relay, at) => {
        const name = relay.host.trim() || `relay ${at + 1}`;
        const of = (member: string) => form.getInputProps(`relays.${at}.${member}`);
        const kept = keepsPassword(relay, saved.relays);
        return (
          <Fieldset key={at} legend={`Relay ${at + 1}${at === 0 ? '' : ', tried while those before cannot be reached'}`} disabled={!mayManage}>
            <Stack gap="sm">
              <SimpleGrid cols={{ base: 1, sm: 3 }}>
                <TextInput label="Host" withAsterisk placeholder="smtp.example.com" maxLength={253} {...of('host')} />
                <Select
                  label="Protection"
                  allowDeselect={false}
                  data={SECURITY}
                  {...of('security')}
                  onChange={(value) => {
                    const security = value as Security;
                    form.setFieldValue(`relays.${at}`, { ...relay, security, port: relay.port === PORTS[relay.security] ? PORTS[security] : relay.port });
                  }}
                />
                <NumberInput label="Port" withAsterisk min={1} max={65535} allowDecimal={false} hideControls {...of('port')} />
                <TextInput label="User" description="Empty: no sign-in" autoComplete="off" maxLength={256} {...of('username')} />
                <PasswordInput label="Password" description={kept ? 'Set. Leave it empty to keep it.' : 'Kept encrypted, never shown again'} autoComplete="new-password" maxLength={1024} {...of('password')} />
              </SimpleGrid>
              <Textarea label="Further authority" description="A CA certificate (PEM) trusted besides the public ones" placeholder="-----BEGIN CERTIFICATE-----" autosize minRows={1} maxRows={6} {...of('ca_certificate')} />
              {form.errors[`relays.${at}`] && <Text size="sm" c="var(--mantine-color-error)">{form.errors[`relays.${at}`]}</Text>}
              {mayManage && relays.length > 1 && (
                <Group gap="xs">
                  {at > 0 && (
                    <Button size="compact-xs" variant="default" leftSection={<IconArrowUp size={14} aria-hidden />} aria-label={`Earlier: ${name}`} onClick={() => form.reorderListItem('relays', { from: at, to: at - 1 })}>
                      Earlier
                    </Button>
                  )}
                  <Button size="compact-xs" variant="default" leftSection={<IconTrash size={14} aria-hidden />} aria-label={`Remove ${name}`} onClick={() => form.removeListItem('relays', at)}>Remove</Button>
                </Group>
              )}
            </Stack>
          </Fieldset>
        );
      })}
      {form.errors.relays && <Text size="sm" c="var(--mantine-color-error)">{form.errors.relays}</Text>}
      {mayManage && relays.length < MOST_RELAYS && (
        <Group><Button variant="default" leftSection={<IconPlus size={16} aria-hidden />} onClick={() => form.insertListItem('relays', newRelay())}>Add a relay</Button></Group>
      )}
      <Fieldset legend="DKIM" disabled={!mayManage}>
        <Stack gap="sm">
          <Switch label="Sign mails" description="So that those who receive them can see that they are from your domain." {...form.getInputProps('sign', { type: 'checkbox' })} />
          {sign && (
            <>
              <SimpleGrid cols={{ base: 1, sm: 2 }}>
                <TextInput label="Domain" withAsterisk placeholder="example.com" {...form.getInputProps('dkim.domain')} />
                <TextInput label="Selector" withAsterisk description="The public key is at SELECTOR._domainkey.DOMAIN" {...form.getInputProps('dkim.selector')} />
              </SimpleGrid>
              <Textarea
                label="Private key" withAsterisk={!saved.dkim?.private_key_set} description={saved.dkim?.private_key_set ? 'Set. Leave it empty to keep it.' : 'RSA or Ed25519, PEM. Kept encrypted, never shown again.'}
                placeholder="-----BEGIN PRIVATE KEY-----" autoComplete="off" spellCheck={false} autosize minRows={2} maxRows={6} {...form.getInputProps('dkim.private_key')}
              />
            </>
          )}
        </Stack>
      </Fieldset>
      <Fieldset legend="How much at once" disabled={!mayManage}>
        <SimpleGrid cols={{ base: 1, sm: 2 }}>
          <NumberInput label="Connections" description="To each relay, 1 to 100" min={1} max={100} allowDecimal={false} {...form.getInputProps('connections')} />
          <NumberInput label="Mails a second" description="0: no limit" min={0} max={65535} allowDecimal={false} {...form.getInputProps('per_second')} />
        </SimpleGrid>
      </Fieldset>
    </ChannelFrame>
  );
}
