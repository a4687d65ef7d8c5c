// The settings of how Android devices are managed by Google, saved together.
import { Button, Fieldset, Group, List, SimpleGrid, Stack, Text, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { type AndroidEnterprise, setAndroidEnterprise } from '../../api';
import { getAndroidEnterpriseQueryKey } from '../../api/@tanstack/react-query.gen';
import { useRights } from '../../app/session';
import { count } from '../../lib/words';
import { CopyField } from '../../ui/CopyField';
import { KeyText } from '../../ui/KeyText';
import { SavedForm } from '../../ui/SavedForm';
import { Facts } from '../../ui/Section';
import { androidDraft, type AndroidDraft, androidEdit, GOOGLE, PUBSUB } from './edits';
import { AndroidState } from './AndroidState';
import { CheckAndroid } from './CheckAndroid';

type Props = { saved: AndroidEnterprise; onDialog: (dialog: 'sign-up' | 'forget') => void };

export function AndroidForm({ saved, onDialog }: Props) {
  const mayManage = useRights()('manage_settings');
  const form = useForm<AndroidDraft>({ initialValues: androidDraft(saved) });
  const of = (name: keyof AndroidDraft) => form.getInputProps(name);
  const put = async (values: AndroidDraft) => (await setAndroidEnterprise({ body: androidEdit(values, saved), throwOnError: true })).data;
  const setUp = saved.version > 0;
  const dirty = form.isDirty();
  return (
    <Stack>
      <AndroidState saved={saved} />
      {mayManage && setUp && (
        <Stack gap="xs">
          <Group>
            {saved.enterprise === null && <Button disabled={dirty} onClick={() => onDialog('sign-up')}>Sign up with Google</Button>}
            <Button variant="default" disabled={dirty} onClick={() => onDialog('forget')}>Forget all this</Button>
          </Group>
          {dirty && <Text size="sm" c="dimmed">Save or discard what you have changed first.</Text>}
        </Stack>
      )}
      <SavedForm what="how Android devices are managed" saved="Android enterprise saved" queryKey={getAndroidEnterpriseQueryKey()} form={form} put={put}>
        <Fieldset legend="Service account" disabled={!mayManage}>
          <Stack gap="sm">
            <List size="sm" type="ordered" c="dimmed">
              <List.Item>In Google’s cloud console, make a project and enable Android Management API there, and Cloud Pub/Sub API.</List.Item>
              <List.Item>Under IAM &amp; Admin &gt; Service accounts make one with the roles Android Management User and Pub/Sub Editor, and a key for it as JSON.</List.Item>
            </List>
            {setUp && <Facts facts={[['Project', saved.project_id], ['Account', saved.client_email], ['Devices', count(saved.devices)]]} />}
            <KeyText
              label="Key of the service account" accept=".json,application/json" placeholder='{"type": "service_account", …}' withAsterisk={!saved.private_key_set}
              description={saved.private_key_set ? 'Set. Leave it empty to keep it, for the same addresses.' : 'What is in the JSON file. Kept encrypted, never shown again.'} {...of('service_account')}
            />
            <TextInput
              label="Enterprise" description="Set by signing up. Enter one only if the account manages it already. It cannot become another while devices are managed." placeholder="enterprises/LC01abcdef" maxLength={200}
              {...of('enterprise')}
            />
          </Stack>
        </Fieldset>
        <Fieldset legend="News from Google" disabled={!mayManage}>
          <Stack gap="sm">
            <Text size="sm" c="dimmed">
              Google publishes what devices report to a topic of Pub/Sub, on which android-cloud-policy@system.gserviceaccount.com must be a publisher. Without it devices are asked for now and then
              only.
            </Text>
            <TextInput label="Topic" placeholder="projects/acme/topics/android" maxLength={300} {...of('topic')} />
            <TextInput label="Subscription" description="What news is fetched from." placeholder="projects/acme/subscriptions/android" maxLength={300} {...of('subscription')} />
            <TextInput label="Account that pushes" type="email" description="Or let Pub/Sub push news to the address below, signed in the name of this service account." maxLength={320} {...of('push_email')} />
            <CopyField label="Address to push to" value={saved.push_endpoint} description="Also the audience of the signature." />
          </Stack>
        </Fieldset>
        <Fieldset legend="Addresses" disabled={!mayManage}>
          <SimpleGrid cols={{ base: 1, sm: 2 }}>
            <TextInput label="Android Management API" type="url" description="Empty: Google’s" placeholder={GOOGLE} maxLength={500} {...of('base_url')} />
            <TextInput label="Pub/Sub" type="url" description="Empty: Google’s" placeholder={PUBSUB} maxLength={500} {...of('pubsub_base_url')} />
          </SimpleGrid>
        </Fieldset>
      </SavedForm>
      {mayManage && <CheckAndroid ready={saved.enterprise !== null} unsaved={dirty} />}
    </Stack>
  );
}
