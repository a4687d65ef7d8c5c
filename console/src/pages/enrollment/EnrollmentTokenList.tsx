// Enrollment tokens: what was made, for whom, and what became of it.
import { Button, Group, Stack, Text } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { keepPreviousData, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { deleteEnrollmentToken, type EnrollmentToken, type Entry } from '../../api';
import { listEnrollmentTokensOptions, listEnrollmentTokensQueryKey } from '../../api/@tanstack/react-query.gen';
import { Allowed } from '../../app/session';
import { useListSearch } from '../../lib/list';
import { words } from '../../lib/words';
import { ConfirmModal } from '../../ui/ConfirmModal';
import { type Column, DataTable } from '../../ui/DataTable';
import { LivePill } from '../../ui/LivePill';
import { DeviceLink, UserName, useUserName } from '../../ui/names';
import { PageHeader } from '../../ui/PageHeader';
import { EmptyState } from '../../ui/states';
import { Time } from '../../ui/Time';
import { toastDone } from '../../ui/toasts';
import { NewEnrollmentToken } from './NewEnrollmentToken';
import { enrollmentSearch } from './search';
import { stateOf } from './state';

const concernsTokens = (entry: Entry) => entry.object?.kind === 'enrollment_token' || entry.changes.some(({ type }) => type === 'device_enrolled');

export default function EnrollmentTokenList() {
  const list = useListSearch(enrollmentSearch);
  const query = useQuery({ ...listEnrollmentTokensOptions({ query: list.query }), placeholderData: keepPreviousData });
  const [making, setMaking] = useState(false);
  const [revoking, setRevoking] = useState<EnrollmentToken>();
  const columns: Column<EnrollmentToken, never>[] = [
    { key: 'user', title: 'User', render: (token) => <UserName id={token.user_id} /> },
    { key: 'platform', title: 'Platform', render: (token) => (token.platform ? words(token.platform) : 'Any') },
    { key: 'state', title: 'State', render: (token) => <State token={token} /> },
    { key: 'device', title: 'Device', render: (token) => (token.device_id ? <DeviceLink id={token.device_id}>Show device</DeviceLink> : '–') },
    { key: 'created', title: 'Made', render: (token) => <Time at={token.created_at} /> },
    { key: 'expires', title: 'Expires', render: (token) => <Time at={token.expires_at} /> },
    {
      key: 'actions',
      title: '',
      render: (token) =>
        stateOf(token, Date.now()) === 'waiting' && (
          <Group justify="flex-end"><Button size="compact-xs" variant="default" aria-label={`Revoke the token made ${token.created_at}`} onClick={() => setRevoking(token)}>Revoke</Button></Group>
        ),
    },
  ];
  const create = <Allowed right="enroll_devices"><Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setMaking(true)}>Enroll a device</Button></Allowed>;
  return (
    <Stack gap="sm">
      <PageHeader title="Enrollment" description="A token enrolls one device for one user, by QR code or link.">
        <LivePill query={query} concerns={concernsTokens} />
        {create}
      </PageHeader>
      <DataTable label="Enrollment tokens" list={list} query={query} columns={columns} idOf={(token) => token.id} nameOf={(token) => `token made ${token.created_at}`} empty={<EmptyState title="No enrollment tokens yet" action={create}>Make one for a user and let them scan its QR code with the device to enroll.</EmptyState>} />
      {making && <NewEnrollmentToken onClose={() => setMaking(false)} />}
      {revoking && <Revoke token={revoking} onClose={() => setRevoking(undefined)} />}
    </Stack>
  );
}

function State({ token }: { token: EnrollmentToken }) {
  const state = stateOf(token, Date.now());
  return state === 'used' ? <>Used <Time at={token.used_at} /></> : words(state);
}

function Revoke({ token, onClose }: { token: EnrollmentToken; onClose: () => void }) {
  const queries = useQueryClient();
  const name = useUserName(token.user_id);
  const revoke = async () => {
    await deleteEnrollmentToken({ path: { id: token.id }, throwOnError: true });
    toastDone('Enrollment token revoked');
    await queries.invalidateQueries({ queryKey: listEnrollmentTokensQueryKey() });
  };
  return (
    <ConfirmModal title="Revoke the enrollment token" confirmLabel="Revoke token" onConfirm={revoke} onClose={onClose}>
      <Text size="sm">The QR code and the link made for {name ?? 'this user'} <Time at={token.created_at} /> are worth nothing from then on. No device has used it yet.</Text>
    </ConfirmModal>
  );
}
