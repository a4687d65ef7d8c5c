// SMS: by SMPP to an SMSC, or by an HTTP gateway.
import { Fieldset, NumberInput, PasswordInput, SegmentedControl, SimpleGrid, Stack, Switch, Text, Textarea, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { setSmsChannel, type SmsChannel } from '../../api';
import { getSmsChannelQueryKey } from '../../api/@tanstack/react-query.gen';
import { useRights } from '../../app/session';
import { ChannelFrame } from './ChannelFrame';
import { smsDraft, type SmsDraft, smsEdit } from './edits';

const WAYS = [{ value: 'smpp', label: 'SMPP' }, { value: 'gateway', label: 'HTTP gateway' }];

export function SmsForm({ saved }: { saved: SmsChannel }) {
  const mayManage = useRights()('manage_settings');
  const form = useForm<SmsDraft>({ initialValues: smsDraft(saved) });
  const { by } = form.values;
  const of = (name: string) => form.getInputProps(name);
  const on = (name: string) => form.getInputProps(name, { type: 'checkbox' });
  const put = async (values: SmsDraft) => (await setSmsChannel({ body: smsEdit(values, saved.version), throwOnError: true })).data;
  return (
    <ChannelFrame channel="sms" saved={saved} queryKey={getSmsChannelQueryKey()} form={form} put={put}>
      <SegmentedControl aria-label="The way to text messages" data={WAYS} disabled={!mayManage} style={{ alignSelf: 'flex-start' }} {...of('by')} />
      {by === 'smpp' ? (
        <Fieldset legend="SMPP 3.4" disabled={!mayManage}>
          <Stack gap="sm">
            <SimpleGrid cols={{ base: 1, sm: 2 }}>
              <TextInput label="Host" withAsterisk placeholder="smsc.example.com" maxLength={253} {...of('smpp.host')} />
              <NumberInput label="Port" withAsterisk description="Most often 2775, with TLS 3550" min={1} max={65535} allowDecimal={false} hideControls {...of('smpp.port')} />
              <TextInput label="System id" withAsterisk autoComplete="off" {...of('smpp.system_id')} />
              <PasswordInput label="Password" description={saved.smpp?.password_set ? 'Set. Leave it empty to keep it, for the same host, port and system id.' : 'At most 8 characters; kept encrypted'} autoComplete="new-password" {...of('smpp.password')} />
              <TextInput label="System type" description="Most often empty" {...of('smpp.system_type')} />
              <TextInput label="Sender" description="A number, a short code or a name" {...of('smpp.sender.address')} />
              <NumberInput label="Type of number (TON)" description="Empty: from the sender" min={0} max={255} allowDecimal={false} {...of('smpp.sender.ton')} />
              <NumberInput label="Numbering plan (NPI)" description="Empty: from the sender" min={0} max={255} allowDecimal={false} {...of('smpp.sender.npi')} />
            </SimpleGrid>
            <Switch label="TLS" description="Without it only to hosts that the operator’s allow list names." {...on('smpp.tls')} />
            <Textarea label="Further authority" description="A CA certificate (PEM) trusted besides the public ones" placeholder="-----BEGIN CERTIFICATE-----" autosize minRows={1} maxRows={6} {...of('smpp.ca_certificate')} />
            <SimpleGrid cols={{ base: 1, sm: 3 }}>
              <NumberInput label="Window" description="Messages that may wait for an answer at once" min={1} allowDecimal={false} {...of('smpp.window')} />
              <NumberInput label="Enquire link" description="Seconds of quiet before asking" min={1} suffix=" s" allowDecimal={false} {...of('smpp.enquire_link_seconds')} />
              <NumberInput label="Answer within" description="Seconds the SMSC may take" min={1} suffix=" s" allowDecimal={false} {...of('smpp.response_timeout_seconds')} />
            </SimpleGrid>
            <Switch label="Hexadecimal message ids" description="The SMSC names a message in hexadecimal when it accepts it, and in decimal in its receipt." {...on('smpp.hex_message_ids')} />
            {form.errors.smpp && <Text size="sm" c="var(--mantine-color-error)">{form.errors.smpp}</Text>}
          </Stack>
        </Fieldset>
      ) : (
        <Fieldset legend="HTTP gateway" disabled={!mayManage}>
          <Stack gap="sm">
            <SimpleGrid cols={{ base: 1, sm: 2 }}>
              <TextInput label="Address" type="url" withAsterisk description="What comes before /2010-04-01/…" {...of('gateway.base_url')} />
              <TextInput label="Account" withAsterisk autoComplete="off" {...of('gateway.account_sid')} />
              <PasswordInput label="Auth token" description={saved.gateway?.auth_token_set ? 'Set. Leave it empty to keep it, for the same address and account.' : 'Kept encrypted, never shown again'} autoComplete="new-password" {...of('gateway.auth_token')} />
              <NumberInput label="Requests at once" min={1} allowDecimal={false} {...of('gateway.requests')} />
              <TextInput label="Sender" description="A number, short code or name" {...of('gateway.from')} />
              <TextInput label="Messaging service" description="Instead of a sender: it chooses one" {...of('gateway.messaging_service_sid')} />
            </SimpleGrid>
            <Switch label="Status callbacks" description="The gateway tells what became of messages. Needs the server’s public address." {...on('gateway.status_callbacks')} />
            {form.errors.gateway && <Text size="sm" c="var(--mantine-color-error)">{form.errors.gateway}</Text>}
          </Stack>
        </Fieldset>
      )}
      <Fieldset legend="How much at once" disabled={!mayManage}>
        <NumberInput label="Messages a second" description="0: no limit" min={0} max={65535} allowDecimal={false} maw={260} {...of('per_second')} />
      </Fieldset>
    </ChannelFrame>
  );
}
