// Google's push service: signed in to by a service account of the Firebase project that the agent's app is of.
import { Fieldset, Stack, Text, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { type FcmChannel, setFcmChannel } from '../../api';
import { getFcmChannelQueryKey } from '../../api/@tanstack/react-query.gen';
import { useRights } from '../../app/session';
import { KeyText } from '../../ui/KeyText';
import { Facts } from '../../ui/Section';
import { ChannelFrame } from './ChannelFrame';
import { fcmDraft, type FcmDraft, fcmEdit, GOOGLE } from './edits';

export function FcmForm({ saved }: { saved: FcmChannel }) {
  const mayManage = useRights()('manage_settings');
  const form = useForm<FcmDraft>({ initialValues: fcmDraft(saved) });
  const of = (name: keyof FcmDraft) => form.getInputProps(name);
  const put = async (values: FcmDraft) => (await setFcmChannel({ body: fcmEdit(values, saved.version), throwOnError: true })).data;
  return (
    <ChannelFrame channel="fcm" saved={saved} queryKey={getFcmChannelQueryKey()} form={form} put={put}>
      <Fieldset legend="Service account" disabled={!mayManage}>
        <Stack gap="sm">
          <Text size="sm" c="dimmed">In the Firebase console, Project settings &gt; Service accounts &gt; Generate new private key gives a file. The account needs the role Firebase Cloud Messaging API Admin.</Text>
          {saved.version > 0 && <Facts facts={[['Project', saved.project_id], ['Account', saved.client_email], ['Tokens from', saved.token_uri]]} />}
          <KeyText
            label="Key of the service account" accept=".json,application/json" placeholder='{"type": "service_account", …}' withAsterisk={!saved.private_key_set}
            description={saved.private_key_set ? 'Set. Leave it empty to keep it, for the same address.' : 'What is in the JSON file. Kept encrypted, never shown again.'} {...of('service_account')}
          />
          <TextInput label="Address" type="url" description="Empty: Google’s" placeholder={GOOGLE} maxLength={500} {...of('base_url')} />
        </Stack>
      </Fieldset>
    </ChannelFrame>
  );
}
