// The published versions of a profile: who published them, when, and what each changed.
import { Alert, Button, Card, Group, Skeleton, Stack, Text } from '@mantine/core';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { listProfileVersions, type Profile, type ProfileVersion } from '../../api';
import { listProfileVersionsQueryKey } from '../../api/@tanstack/react-query.gen';
import { useWhole } from '../../lib/whole';
import { EmptyState, ErrorState } from '../../ui/states';
import { Time } from '../../ui/Time';
import { Differences } from './Differences';
import { DownloadConfiguration } from './DownloadConfiguration';
import { specInWords } from './spec';

/** Newest first. */
export const useVersions = (id: string) =>
  useWhole<ProfileVersion>(listProfileVersionsQueryKey({ path: { id } }), (cursor, signal) => listProfileVersions({ path: { id }, query: { limit: 500, cursor }, signal, throwOnError: true }));

const route = getRouteApi('/shell/profiles/$id');

export function VersionsTab({ profile }: { profile: Profile }) {
  const { version: shown } = route.useSearch();
  const navigate = useNavigate();
  const query = useVersions(profile.id);
  const versions = query.data;
  if (query.error && !versions) return <ErrorState error={query.error} onRetry={() => void query.refetch()} />;
  if (!versions) return <Skeleton h={160} />;
  const [latest] = versions;
  if (!latest) return <EmptyState title="Never published">Save & Publish makes the first version.</EmptyState>;
  const open = (version: string | undefined) => void navigate({ to: '.', search: ((now: object) => ({ ...now, version })) as never, replace: true });
  const draft = JSON.stringify([...specInWords(latest.spec, String)]) !== JSON.stringify([...specInWords(profile.spec, String)]);
  return (
    <Stack>
      {draft && (
        <Alert title="The draft differs from what is published">
          <Differences before={latest.spec} after={profile.spec} beforeTitle={`Version ${latest.number}`} afterTitle="Saved draft" />
        </Alert>
      )}
      {versions.map((version, i) => {
        const before = versions[i + 1];
        const opened = shown === String(version.number);
        return (
          <Card key={version.number} withBorder padding="sm">
            <Group justify="space-between">
              <Text size="sm"><b>Version {version.number}</b>{i === 0 && profile.state === 'published' && ' · in force'} · published <Time at={version.published_at} /> by {version.published_by}</Text>
              <Group gap={4}>
                <DownloadConfiguration profile={profile} version={version.number} size="compact-sm" />
                <Button size="compact-sm" variant="default" aria-expanded={opened} aria-label={`${opened ? 'Hide' : 'What it changed'}: version ${version.number}`} onClick={() => open(opened ? undefined : String(version.number))}>{opened ? 'Hide' : 'What it changed'}</Button>
              </Group>
            </Group>
            {opened && <Differences before={before?.spec ?? {}} after={version.spec} beforeTitle={before ? `Version ${before.number}` : 'A new profile'} afterTitle={`Version ${version.number}`} />}
          </Card>
        );
      })}
    </Stack>
  );
}
