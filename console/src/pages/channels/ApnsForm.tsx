// Apple's push service: signed in to by a key of the developer team that the agent's app is of.
import { Fieldset, SimpleGrid, Stack, Text, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { type ApnsChannel, setApnsChannel } from '../../api';
import { getApnsChannelQueryKey } from '../../api/@tanstack/react-query.gen';
import { useRights } from '../../app/session';
import { KeyText } from '../../ui/KeyText';
import { ChannelFrame } from './ChannelFrame';
import { apnsDraft, type ApnsDraft, apnsEdit } from './edits';

export function ApnsForm({ saved }: { saved: ApnsChannel }) {
  const mayManage = useRights()('manage_settings');
  const form = useForm<ApnsDraft>({ initialValues: apnsDraft(saved) });
  const of = (name: keyof ApnsDraft) => form.getInputProps(name);
  const put = async (values: ApnsDraft) => (await setApnsChannel({ body: apnsEdit(values, saved.version), throwOnError: true })).data;
  return (
    <ChannelFrame channel="apns" saved={saved} queryKey={getApnsChannelQueryKey()} form={form} put={put}>
      <Fieldset legend="Key" disabled={!mayManage}>
        <Stack gap="sm">
          <Text size="sm" c="dimmed">In Apple’s developer account, Certificates, Identifiers &amp; Profiles &gt; Keys makes one with Apple Push Notifications service. Apple gives its file out once.</Text>
          <KeyText
            label="Private key" accept=".p8" placeholder="-----BEGIN PRIVATE KEY-----" withAsterisk={!saved.private_key_set}
            description={saved.private_key_set ? 'Set. Leave it empty to keep it, for the same key, team and address.' : 'What is in the .p8 file. Kept encrypted, never shown again.'} {...of('private_key')}
          />
          <SimpleGrid cols={{ base: 1, sm: 2 }}>
            <TextInput label="Key id" withAsterisk description="Ten letters and digits, as in the file’s name" placeholder="ABC123DEFG" autoComplete="off" maxLength={10} {...of('key_id')} />
            <TextInput label="Team id" withAsterisk description="Ten letters and digits, from the membership’s details" placeholder="DEF123GHIJ" autoComplete="off" maxLength={10} {...of('team_id')} />
            <TextInput label="Bundle id" withAsterisk description="Of the agent’s app, unless a device’s agent names another" placeholder="com.example.agent" maxLength={155} {...of('topic')} />
            <TextInput label="Address" type="url" description="Empty: Apple’s, production or sandbox as each agent says" placeholder="https://api.push.apple.com" maxLength={500} {...of('base_url')} />
          </SimpleGrid>
        </Stack>
      </Fieldset>
    </ChannelFrame>
  );
}
