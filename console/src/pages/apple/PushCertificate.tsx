// The certificate with which Apple devices are woken: how it stands, requesting one, taking it away.
import { Alert, Button, Group, List, Stack, Text, Textarea } from '@mantine/core';
import { useForm } from '@mantine/form';
import { IconAlertTriangle, IconDownload, IconPlugX } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { useRef, useState } from 'react';
import { type AppleMdm, requestPushCertificate, setAppleMdm } from '../../api';
import { getAppleMdmQueryKey } from '../../api/@tanstack/react-query.gen';
import { download } from '../../lib/download';
import { ConfirmModal } from '../../ui/ConfirmModal';
import { FormModal } from '../../ui/FormModal';
import { Modal } from '../../ui/Modal';
import { Facts } from '../../ui/Section';
import { ShownOnce } from '../../ui/ShownOnce';
import { Time } from '../../ui/Time';
import { toastDone } from '../../ui/toasts';
import { pushState, withoutPush } from './edits';

export const day = (at: string) => new Date(at).toLocaleDateString(undefined, { dateStyle: 'medium' });

/** What is wrong with the push certificate, if anything. */
export function PushWarning({ saved }: { saved: AppleMdm }) {
  const state = pushState(saved, Date.now());
  const push = saved.push_certificate;
  const title = (text: string) => <Text span inherit c="var(--mantine-color-text)">{text}</Text>;
  switch (state) {
    case 'none':
      return (
        <Alert color="yellow" icon={<IconPlugX aria-hidden />} title={title('Not set up: no Apple device can enroll')}>
          <List size="sm" type="ordered">
            <List.Item>Have whoever runs the server set its public_url, an https address: devices call there for as long as they are enrolled.</List.Item>
            <List.Item>Request a push certificate below.</List.Item>
            <List.Item>Have a vendor of device management sign the request, then hand it in at Apple’s push certificates portal (identity.apple.com/pushcert) with an Apple account of the organisation.</List.Item>
            <List.Item>Upload the certificate that Apple gives here, and save.</List.Item>
          </List>
          {saved.push_certificate_requested && <Text size="sm" mt="xs">A certificate was requested and has not been uploaded yet.</Text>}
        </Alert>
      );
    case 'expired':
    case 'soon':
      return (
        <Alert color={state === 'expired' ? 'red' : 'yellow'} icon={<IconAlertTriangle aria-hidden />} title={title(state === 'expired' ? 'The push certificate has expired: no Apple device can be woken' : 'The push certificate ends soon')}>
          {state === 'expired' ? 'It ended' : 'It ends'} <Time at={push?.not_after} /> ({push && day(push.not_after)}). Renew it at Apple’s portal with the same Apple account, and do not make a new one: its topic must stay
          the same, or all devices have to enroll again.
        </Alert>
      );
    case 'good':
      return null;
  }
}

export function PushFacts({ saved: { push_certificate: push } }: { saved: AppleMdm }) {
  if (!push) return null;
  return (
    <Facts
      facts={[
        ['Topic', push.topic],
        ['Ends', <span key="ends"><Time at={push.not_after} /> ({day(push.not_after)})</span>],
        ['Subject', push.subject],
        ['SHA-256', push.fingerprint],
      ]}
    />
  );
}

type Props = { saved: AppleMdm; onClose: () => void };

/** Makes a request for a certificate, and shows it once. */
export function RequestPushCertificate({ saved, onClose }: Props) {
  const [made, setMade] = useState<string>();
  return made ? <Made request={made} onClose={onClose} /> : <Ask saved={saved} onMade={setMade} onClose={onClose} />;
}

function Ask({ saved, onMade, onClose }: Props & { onMade: (request: string) => void }) {
  const queries = useQueryClient();
  const form = useForm({ initialValues: {} });
  const made = useRef<string>(undefined);
  const make = async (_: object, key: string) => {
    const { data } = await requestPushCertificate({ headers: { 'Idempotency-Key': key }, throwOnError: true });
    made.current = data.request;
    await queries.invalidateQueries({ queryKey: getAppleMdmQueryKey() });
  };
  return (
    <FormModal title="Request a push certificate" form={form} submitLabel="Make a request" onSubmit={make} onClose={() => (made.current ? onMade(made.current) : onClose())}>
      <Text size="sm">A private key is made and kept here, and a request for its certificate, which you take to a vendor of device management and to Apple.</Text>
      {saved.push_certificate_requested && <Text size="sm" fw={600}>The request made before is forgotten: a certificate that Apple gives for it cannot be used any more.</Text>}
      {saved.push_certificate && <Text size="sm">The certificate in use stays until the new one is uploaded. At Apple’s portal choose Renew for it, with the same Apple account.</Text>}
    </FormModal>
  );
}

function Made({ request, onClose }: { request: string; onClose: () => void }) {
  return (
    <Modal opened onClose={onClose} title="Request for a push certificate" size="lg">
      <Stack>
        <ShownOnce>It holds no secret. Lost, it is made anew, with another key.</ShownOnce>
        <Textarea label="Request (PKCS#10)" readOnly autosize minRows={6} maxRows={14} value={request} styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }} onFocus={(event) => event.currentTarget.select()} />
        <Group justify="space-between">
          <Button variant="default" leftSection={<IconDownload size={16} aria-hidden />} onClick={() => download('push-certificate.csr', new Blob([request], { type: 'application/pkcs10' }))}>Download request</Button>
          <Button onClick={onClose}>Done</Button>
        </Group>
      </Stack>
    </Modal>
  );
}

export function RemovePushCertificate({ saved, onClose }: Props) {
  const queries = useQueryClient();
  const remove = async () => {
    const { data } = await setAppleMdm({ body: withoutPush(saved), throwOnError: true });
    toastDone('Push certificate removed');
    queries.setQueryData(getAppleMdmQueryKey(), data);
  };
  const topic = saved.push_certificate?.topic ?? '';
  return (
    <ConfirmModal title="Remove the push certificate" confirmLabel="Remove certificate" typed={topic} onConfirm={remove} onClose={onClose}>
      <Text size="sm">Its key is deleted. No Apple device can be woken or enroll from then on; those that are enrolled are reached again only with a certificate of the same topic.</Text>
    </ConfirmModal>
  );
}
