// A one-time link for an administrator: made, and shown once.
import { Button, Group, Stack, Switch, Text } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useQueryClient } from '@tanstack/react-query';
import { type Admin, type AdminLink, createAdminLink, type LinkKind } from '../../api';
import { listAdminsQueryKey } from '../../api/@tanstack/react-query.gen';
import { CopyField } from '../../ui/CopyField';
import { FormModal } from '../../ui/FormModal';
import { Modal } from '../../ui/Modal';
import { ShownOnce } from '../../ui/ShownOnce';
import { Time } from '../../ui/Time';

const NAMES: Record<LinkKind, string> = { set_up: 'Set-up link', invitation: 'Invitation', reset: 'Link to a new password' };

export function ShownLink({ name, link, onClose }: { name: string; link: AdminLink; onClose: () => void }) {
  return (
    <Modal opened onClose={onClose} title={`${NAMES[link.kind]} for ${name}`} size="lg" closeOnClickOutside={false} closeOnEscape={false}>
      <Stack>
        <ShownOnce>
          Hand it to {name} by a way you trust: whoever opens it first chooses the password. It is good once and expires <Time at={link.expires_at} />.
        </ShownOnce>
        <CopyField label="Link" value={link.url} />
        <Group justify="flex-end"><Button onClick={onClose}>Done</Button></Group>
      </Stack>
    </Modal>
  );
}

export function LinkForm({ admin, onMade, onClose }: { admin: Admin; onMade: (link: AdminLink) => void; onClose: () => void }) {
  const queries = useQueryClient();
  const form = useForm({ initialValues: { remove_second_factors: false } });
  const invited = admin.state === 'invited';
  const make = async (body: { remove_second_factors: boolean }, key: string) => {
    const { data } = await createAdminLink({ path: { id: admin.id }, body, headers: { 'Idempotency-Key': key }, throwOnError: true });
    onMade(data);
    await queries.invalidateQueries({ queryKey: listAdminsQueryKey() });
  };
  return (
    <FormModal title={invited ? `New invitation for ${admin.name}` : `New password for ${admin.name}`} form={form} submitLabel="Make a link" onSubmit={make} onClose={onClose}>
      <Text size="sm">
        {invited ? 'The link they have is worth nothing any more.' : 'They choose a new password by the link. Until then the old one is good; with the new one all their sessions end.'}
      </Text>
      {admin.second_factor && (
        <Switch label="Take their second factors away" description="For somebody who has lost theirs. Their sessions end at once." {...form.getInputProps('remove_second_factors', { type: 'checkbox' })} />
      )}
    </FormModal>
  );
}
