// The Send Notification window: tells one user about their incidents by email, SMS or both.
import { Alert, Button, Group, Skeleton, Stack, Switch, Tabs, Text, Textarea, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { IconAlertTriangle, IconMail, IconMessage, IconSend } from '@tabler/icons-react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useId, useRef, useState } from 'react';
import { type Notification, notifyUser, type NotifyPreview } from '../../api';
import { listNotificationsQueryKey, previewNotifyUserOptions } from '../../api/@tanstack/react-query.gen';
import { newKey } from '../../lib/api';
import { Link } from '../../ui/Link';
import { Modal } from '../../ui/Modal';
import { ErrorState } from '../../ui/states';
import { DraftView } from './DraftView';
import { type Draft, draftOf, orders } from './orders';
import { Outcome } from './Outcome';
import { SmsCounter, tooLong } from './SmsCounter';

export type Person = { id: string; name: string };
type Props = { user: Person; onClose: () => void };

/** Render it while it is open, and only for those who hold the right `notify`. */
export function SendNotification({ user, onClose }: Props) {
  // Always of now: incidents come and go while a page stands open.
  const preview = useQuery({ ...previewNotifyUserOptions({ path: { id: user.id } }), staleTime: 0, gcTime: 0, refetchOnReconnect: false });
  return (
    <Modal opened onClose={onClose} title="Send Notification" size="lg">
      {preview.error ? (
        <ErrorState error={preview.error} onRetry={() => void preview.refetch()} />
      ) : preview.data ? (
        <Window user={user} preview={preview.data} onClose={onClose} />
      ) : (
        <Stack aria-busy><Skeleton h={60} /><Skeleton h={60} /><Skeleton h={36} /></Stack>
      )}
    </Modal>
  );
}

function Window({ user, preview, onClose }: Props & { preview: NotifyPreview }) {
  const queries = useQueryClient();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const [told, setTold] = useState<Notification[]>();
  // The same words sent again after a lost answer reach nobody twice.
  const keys = useRef(new Map<string, string>());
  const form = useForm<Draft>({
    initialValues: draftOf(preview),
    validate: {
      email: (_, { email, sms }) => (email || sms ? null : 'Choose at least one: Email or SMS'),
      subject: (subject, { email }) => (email && !subject.trim() ? 'Enter a subject' : null),
      text: (text, { email }) => (email && !text.trim() ? 'Enter a message' : null),
      smsText: (text, { sms }) => (!sms ? null : text.trim() ? tooLong(text.trim()) : 'Enter a message'),
    },
  });
  const { email, sms, subject, text, smsText } = form.values;
  const send = async (draft: Draft) => {
    setBusy(true);
    setError(undefined);
    try {
      const all: Notification[] = [];
      for (const body of orders(draft, preview)) {
        const words = JSON.stringify(body);
        const key = keys.current.get(words) ?? newKey();
        keys.current.set(words, key);
        const { data } = await notifyUser({ path: { id: user.id }, body, headers: { 'Idempotency-Key': key }, throwOnError: true });
        all.push(...data.notifications);
      }
      setTold(all);
    } catch (problem) {
      setError(problem);
    } finally {
      setBusy(false);
      void queries.invalidateQueries({ queryKey: listNotificationsQueryKey() });
    }
  };
  if (told) {
    return (
      <Stack>
        <Stack role="status" gap="sm">
          <Text>Notifications to {user.name}:</Text>
          {told.map((notification) => <Outcome key={notification.id} notification={notification} />)}
        </Stack>
        <Group justify="space-between">
          <Link to="/notifications" search={{ user_id: user.id }}>All notifications to {user.name}</Link>
          <Button data-autofocus onClick={onClose}>Close</Button>
        </Group>
      </Stack>
    );
  }
  return (
    <form noValidate onSubmit={form.onSubmit((draft) => void send(draft))}>
      <Stack>
        {!preview.enabled && (
          <Alert color="yellow" icon={<IconAlertTriangle aria-hidden />} title="The Threat Management service is off">
            Nobody is notified until it is on. <Link to="/settings" underline="always">Settings</Link>
          </Alert>
        )}
        <Text>To <b>{user.name}</b></Text>
        <Channel
          label="Email" icon={<IconMail size={18} aria-hidden />} address={preview.email.address} reason={preview.email.reason}
          available={preview.email.available} user={user} {...form.getInputProps('email', { type: 'checkbox' })} error={undefined}
        />
        {email && (
          <Tabs defaultValue="message" keepMounted={false}>
            <Tabs.List>
              <Tabs.Tab value="message">Message</Tabs.Tab>
              <Tabs.Tab value="preview">Preview</Tabs.Tab>
            </Tabs.List>
            <Tabs.Panel value="message" pt="sm">
              <Stack gap="sm">
                <TextInput label="Subject" withAsterisk maxLength={200} {...form.getInputProps('subject')} />
                <Textarea label="Email message" withAsterisk autosize minRows={6} maxRows={14} maxLength={50_000} {...form.getInputProps('text')} />
                <Usual shown={subject !== preview.email.subject || text !== preview.email.text} onClick={() => form.setValues({ subject: preview.email.subject, text: preview.email.text })} />
              </Stack>
            </Tabs.Panel>
            <Tabs.Panel value="preview" pt="sm"><DraftView user={user} usual={preview} subject={subject} text={text} /></Tabs.Panel>
          </Tabs>
        )}
        <Channel
          label="SMS" icon={<IconMessage size={18} aria-hidden />} address={preview.sms.phone} reason={preview.sms.reason}
          available={preview.sms.available} user={user} {...form.getInputProps('sms', { type: 'checkbox' })} error={undefined}
        />
        {sms && <SmsText text={smsText} inputProps={form.getInputProps('smsText')} usual={<Usual shown={smsText !== preview.sms.text} onClick={() => form.setFieldValue('smsText', preview.sms.text)} />} />}
        {form.errors.email && <Text role="alert" size="sm" c="var(--mantine-color-error)">{form.errors.email}</Text>}
        {error !== undefined && <ErrorState error={error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>Cancel</Button>
          <Button type="submit" loading={busy} disabled={!preview.enabled} leftSection={<IconSend size={16} aria-hidden />}>Send notification</Button>
        </Group>
      </Stack>
    </form>
  );
}

type ChannelProps = { label: string; icon: ReactNode; address: string | null; available: boolean; reason: string | null; user: Person };

function Channel({ label, icon, address, available, reason, user, ...input }: ChannelProps & Record<string, unknown>) {
  return (
    <Stack gap={2}>
      <Switch {...input} label={<Group gap={6} wrap="nowrap">{icon}<span>{label}</span></Group>} description={address ?? undefined} disabled={!available} />
      {!available && (
        <Text size="sm" c="dimmed">
          {reason} <Link to="/users/$userId" params={{ userId: user.id }} underline="always">Users &gt; Directory</Link>
        </Text>
      )}
    </Stack>
  );
}

function SmsText({ text, inputProps, usual }: { text: string; inputProps: object; usual: ReactNode }) {
  const counter = useId();
  return (
    <Stack gap={4}>
      <Textarea label="SMS message" withAsterisk autosize minRows={3} maxRows={8} aria-describedby={counter} {...inputProps} />
      <Group justify="space-between" align="flex-start">
        <SmsCounter id={counter} text={text.trim()} />
        {usual}
      </Group>
    </Stack>
  );
}

const Usual = ({ shown, onClick }: { shown: boolean; onClick: () => void }) =>
  shown && <Button size="compact-xs" variant="subtle" style={{ alignSelf: 'flex-end' }} onClick={onClick}>Back to the usual words</Button>;
