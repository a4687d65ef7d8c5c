// The logo in mails: shown as it is, changed and taken away at once, by itself.
import { Button, FileButton, Group, Paper, Stack, Text } from '@mantine/core';
import { IconTrash, IconUpload } from '@tabler/icons-react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { deleteLogo, setLogo } from '../../api';
import { logoOptions } from '../../app/logo';
import { asProblem, type Problem } from '../../lib/api';
import { ErrorState } from '../../ui/states';
import { toastDone } from '../../ui/toasts';
import { logoProblem } from './effect';

/** What is generated takes a list of numbers for a file. */
const put = (file: Blob) =>
  setLogo({ body: file as unknown as number[], bodySerializer: null, headers: { 'Content-Type': file.type }, throwOnError: true });

export function Logo({ mayManage }: { mayManage: boolean }) {
  const queries = useQueryClient();
  const { data, error, refetch } = useQuery(logoOptions);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem>();
  const change = async (act: () => Promise<unknown>, done: string, undo?: () => Promise<unknown>) => {
    setBusy(true);
    setProblem(undefined);
    try {
      await act();
      toastDone(done, undo && (() => undo().then(() => queries.invalidateQueries({ queryKey: logoOptions.queryKey }))));
      await queries.invalidateQueries({ queryKey: logoOptions.queryKey });
    } catch (thrown) {
      setProblem(asProblem(thrown));
    } finally {
      setBusy(false);
    }
  };
  const upload = (file: File | null) => {
    if (!file) return;
    const wrong = logoProblem(file);
    if (wrong) setProblem({ type: 'about:blank', title: 'This file cannot be the logo', status: 422, detail: wrong });
    else void change(() => put(file), 'Logo saved');
  };
  const remove = async () => {
    const before = data?.file;
    await change(() => deleteLogo({ throwOnError: true }), 'Logo taken away', before && (() => put(before)));
  };
  return (
    <Stack gap="xs" mt="sm">
      <Text size="sm" fw={500}>Logo</Text>
      <Text size="xs" c="dimmed">At the top of mails, 40 pixels high. PNG or JPEG, at most 64 kB and 2000 × 2000 pixels.</Text>
      {error && <ErrorState error={error} onRetry={() => void refetch()} />}
      {data && <Paper withBorder p="xs" bg="white" style={{ alignSelf: 'flex-start' }}><img src={data.address} alt="The logo" height={40} style={{ display: 'block', maxWidth: '100%' }} /></Paper>}
      {data === null && <Text size="sm">None yet.</Text>}
      {problem && <ErrorState error={problem} />}
      {mayManage && (
        <Group gap="xs">
          <FileButton accept="image/png,image/jpeg" onChange={upload} inputProps={{ 'aria-label': 'The logo’s file' }}>
            {(props) => <Button {...props} size="xs" variant="default" loading={busy} leftSection={<IconUpload size={14} aria-hidden />}>{data ? 'Change the logo' : 'Upload a logo'}</Button>}
          </FileButton>
          {data && <Button size="xs" variant="default" disabled={busy} leftSection={<IconTrash size={14} aria-hidden />} onClick={() => void remove()}>Take the logo away</Button>}
        </Group>
      )}
    </Stack>
  );
}
