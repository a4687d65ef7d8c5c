// Publishes the saved draft once its effect is shown: the devices concerned and what differs from the version in force.
import { Button, Group, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type PreviewAnswer, previewProfile, type Profile, publishProfile } from '../../api';
import type { Problem } from '../../lib/api';
import { useSubmit } from '../../lib/submit';
import { Effect, type EffectWords } from '../../ui/Effect';
import { Modal } from '../../ui/Modal';
import { ErrorState } from '../../ui/states';
import { Differences } from './Differences';
import { useVersions } from './VersionsTab';

const SAYS: EffectWords = {
  matching: 'would have it', gaining: 'would get it', losing: 'would lose it',
  gains: 'gets it', loses: 'loses it', stays: 'keeps it',
};

type Props = { profile: Profile; onPublished: (profile: Profile) => void; onClose: () => void };

export function PublishModal({ profile, onPublished, onClose }: Props) {
  const { busy, problem, submit } = useSubmit();
  const latest = useVersions(profile.id).data?.[0];
  const preview = useQuery<PreviewAnswer, Problem>({
    queryKey: ['previewProfile', profile.id, profile.version],
    queryFn: async ({ signal }) => (await previewProfile({ path: { id: profile.id }, signal, throwOnError: true })).data,
    staleTime: 0,
  });
  const next = profile.published_version + 1;
  const publish = async () => {
    const answer = await submit({ id: profile.id, version: profile.version }, (key) =>
      publishProfile({ path: { id: profile.id }, query: { version: profile.version }, headers: { 'Idempotency-Key': key }, throwOnError: true }),
    );
    if (answer) onPublished(answer.data);
  };
  return (
    <Modal opened onClose={onClose} title={`Publish ${profile.name} as version ${next}`} size="xl">
      <Stack>
        <Effect query={preview} says={SAYS} />
        {profile.state === 'published' && (preview.data?.matching ?? 0) > 0 && <Text size="sm">Devices that keep it get version {next} in its place.</Text>}
        {latest && <Differences before={latest.spec} after={profile.spec} beforeTitle={`Version ${latest.number}`} afterTitle={`Version ${next}`} />}
        {problem && <ErrorState error={problem} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>Not yet: keep the draft</Button>
          <Button loading={busy} disabled={!preview.data} onClick={() => void publish()} data-autofocus>Publish</Button>
        </Group>
      </Stack>
    </Modal>
  );
}
