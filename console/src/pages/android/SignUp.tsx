// Signs the organisation up with Google, and forgets all that was set up.
import { Alert, Button, Group, Loader, Stack, Text } from '@mantine/core';
import { useForm } from '@mantine/form';
import { IconExternalLink } from '@tabler/icons-react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useEffectEvent, useRef, useState } from 'react';
import { type AndroidEnterprise, type AndroidSignUp, beginAndroidSignUp, deleteAndroidEnterprise, getAndroidEnterprise } from '../../api';
import { getAndroidEnterpriseQueryKey } from '../../api/@tanstack/react-query.gen';
import { counted } from '../../lib/words';
import { ConfirmModal } from '../../ui/ConfirmModal';
import { FormModal } from '../../ui/FormModal';
import { Modal } from '../../ui/Modal';
import { Time } from '../../ui/Time';
import { toastDone } from '../../ui/toasts';

const POLL = 3_000;

export function SignUp({ onClose }: { onClose: () => void }) {
  const [begun, setBegun] = useState<AndroidSignUp>();
  return begun ? <Begun signUp={begun} onClose={onClose} /> : <Begin onBegun={setBegun} onClose={onClose} />;
}

function Begin({ onBegun, onClose }: { onBegun: (signUp: AndroidSignUp) => void; onClose: () => void }) {
  const form = useForm({ initialValues: {} });
  const begun = useRef<AndroidSignUp>(undefined);
  const begin = async (_: object, key: string) => {
    const { data } = await beginAndroidSignUp({ headers: { 'Idempotency-Key': key }, throwOnError: true });
    begun.current = data;
  };
  return (
    <FormModal title="Sign up with Google" form={form} submitLabel="Begin" onSubmit={begin} onClose={() => (begun.current ? onBegun(begun.current) : onClose())}>
      <Text size="sm">Google’s page opens in a window of its own. Sign in there with an account of the organisation that manages no enterprise yet, and accept. Google leads back here. A sign-up that was begun before is forgotten.</Text>
    </FormModal>
  );
}

function Begun({ signUp, onClose }: { signUp: AndroidSignUp; onClose: () => void }) {
  const queries = useQueryClient();
  // Aside from the page's own: what is entered there must not go before it is done.
  const { data } = useQuery({
    queryKey: [...getAndroidEnterpriseQueryKey(), 'sign-up'],
    queryFn: async ({ signal }) => (await getAndroidEnterprise({ signal, throwOnError: true })).data,
    refetchInterval: POLL,
    gcTime: 0,
  });
  const done = useEffectEvent((saved: AndroidEnterprise) => {
    toastDone('Signed up: Android devices can enroll');
    queries.setQueryData(getAndroidEnterpriseQueryKey(), saved);
    onClose();
  });
  useEffect(() => {
    if (data?.enterprise) done(data);
  }, [data]);
  return (
    <Modal opened onClose={onClose} title="Sign up with Google">
      <Stack>
        <Group justify="center">
          <Button component="a" href={signUp.url} target="_blank" rel="noreferrer" rightSection={<IconExternalLink size={16} aria-hidden />}>Open Google’s page</Button>
        </Group>
        <Alert color="blue" icon={<Loader size="xs" aria-hidden />}>Waiting until Google says that it is done. The page is good until <Time at={signUp.expires_at} />.</Alert>
      </Stack>
    </Modal>
  );
}

export function Forget({ saved, onClose }: { saved: AndroidEnterprise; onClose: () => void }) {
  const queries = useQueryClient();
  const forget = async () => {
    await deleteAndroidEnterprise({ throwOnError: true });
    toastDone('Android enterprise forgotten');
    await queries.invalidateQueries({ queryKey: getAndroidEnterpriseQueryKey() });
  };
  return (
    <ConfirmModal title="Forget the Android enterprise" confirmLabel="Forget" typed={saved.enterprise ?? saved.project_id ?? undefined} onConfirm={forget} onClose={onClose}>
      <Text size="sm">The key and all settings here are deleted. The enterprise stays with Google and can be entered again with a key of its project.</Text>
      {saved.devices > 0 && <Text size="sm" fw={600}>{counted(saved.devices, 'device')} managed by it: unenroll them first.</Text>}
    </ConfirmModal>
  );
}
