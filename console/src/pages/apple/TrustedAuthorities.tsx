// Authorities of others whose certificates of devices are believed as well.
import { Button, Group, Stack, Text } from '@mantine/core';
import type { UseFormReturnType } from '@mantine/form';
import { IconPlus, IconTrash } from '@tabler/icons-react';
import type { ShownCertificate } from '../../api';
import { KeyText } from '../../ui/KeyText';
import { Time } from '../../ui/Time';
import type { AppleDraft } from './edits';
import { day } from './PushCertificate';

const MOST = 10;

export function TrustedAuthorities({ form, saved, mayManage }: { form: UseFormReturnType<AppleDraft>; saved: ShownCertificate[]; mayManage: boolean }) {
  const { trusted_authorities: trusted } = form.values;
  return (
    <Stack gap="xs" role="group" aria-label="Trusted authorities">
      <Text size="sm" fw={600}>Trusted authorities</Text>
      {trusted.length === 0 && <Text size="sm">None: only certificates issued here are believed.</Text>}
      {trusted.map((pem, at) => {
        const known = saved.find(({ certificate }) => certificate === pem);
        const remove = mayManage && (
          <Button size="xs" variant="default" flex="none" leftSection={<IconTrash size={14} aria-hidden />} aria-label={`Remove ${known?.subject ?? `authority ${at + 1}`}`} onClick={() => form.removeListItem('trusted_authorities', at)}>Remove</Button>
        );
        return known ? (
          <Group key={known.fingerprint} justify="space-between" wrap="nowrap">
            <div>
              <Text size="sm" style={{ overflowWrap: 'anywhere' }}>{known.subject}</Text>
              <Text size="xs" c="dimmed">Ends <Time at={known.not_after} /> ({day(known.not_after)})</Text>
            </div>
            {remove}
          </Group>
        ) : (
          <Stack key={at} gap="xs">
            <KeyText label={`Certificate of authority ${at + 1}`} accept=".pem,.cer,.crt" placeholder="-----BEGIN CERTIFICATE-----" {...form.getInputProps(`trusted_authorities.${at}`)} />
            <Group>{remove}</Group>
          </Stack>
        );
      })}
      {form.errors.trusted_authorities && <Text size="sm" c="var(--mantine-color-error)">{form.errors.trusted_authorities}</Text>}
      {mayManage && trusted.length < MOST && (
        <Group><Button size="xs" variant="default" leftSection={<IconPlus size={14} aria-hidden />} onClick={() => form.insertListItem('trusted_authorities', '')}>Add an authority</Button></Group>
      )}
    </Stack>
  );
}
