// One profile: its editor with draft, effect, publication and retirement; in words for those who may only look.
import { Alert, Button, Code, Group, List, Skeleton, Stack, Table, Tabs, Text } from '@mantine/core';
import { IconAlertTriangle, IconArchive, IconTrash } from '@tabler/icons-react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { lazy, Suspense, useState } from 'react';
import { createProfile, deleteProfile, editProfile, type Platform, type Profile, retireProfile } from '../../api';
import { getProfileOptions, getProfileQueryKey, listProfilesQueryKey, listProfileVersionsQueryKey } from '../../api/@tanstack/react-query.gen';
import { useRights } from '../../app/session';
import { useScope } from '../../app/scope';
import { useSubmit } from '../../lib/submit';
import { counted } from '../../lib/words';
import { StatusBadge } from '../../ui/badges';
import { ConfirmModal } from '../../ui/ConfirmModal';
import { JobNotice } from '../../ui/JobNotice';
import { LeaveGuard } from '../../ui/LeaveGuard';
import { Link } from '../../ui/Link';
import { PageHeader } from '../../ui/PageHeader';
import { ErrorState } from '../../ui/states';
import { toastDone } from '../../ui/toasts';
import { useNames } from '../smart-groups/names';
import { AssignmentTab } from './AssignmentTab';
import { DownloadConfiguration } from './DownloadConfiguration';
import { GeneralTab } from './GeneralTab';
import { DeviceCounts } from './ProfileList';
import { PublishModal } from './PublishModal';
import type { Tab } from './search';
import { type Draft, draftOf, fullSpec, isUnreadable, specInWords, toSend } from './spec';
import { VersionsTab } from './VersionsTab';

// Brings all settings of the platforms along.
const PayloadsTab = lazy(() => import('./PayloadsTab'));

const route = getRouteApi('/shell/profiles/$id');

/** Changes the address of this page without leaving it. */
function usePatch() {
  const navigate = useNavigate();
  return (patch: { tab?: Tab | undefined; job?: string | undefined; version?: string | undefined }) =>
    void navigate({ to: '.', search: ((now: object) => ({ ...now, ...patch })) as never, replace: true });
}

export default function ProfilePage() {
  const { id } = route.useParams();
  const { platform = 'android' } = route.useSearch();
  const fresh = id === 'new';
  const query = useQuery({ ...getProfileOptions({ path: { id } }), enabled: !fresh });
  const mayManage = useRights()('manage_profiles');
  if (query.error && !query.data) return <ErrorState error={query.error} onRetry={() => void query.refetch()} />;
  if (!fresh && !query.data) return <Stack><Skeleton h={32} w={240} /><Skeleton h={320} /></Stack>;
  if (!mayManage) return query.data ? <Shown profile={query.data} /> : <PageHeader title="New profile" description="Your role does not allow making one." />;
  return <Editor key={id} saved={query.data} platform={platform} />;
}

const TAB_OF: [start: string, tab: Tab][] = [
  ['/spec/payloads', 'payloads'],
  ['/spec/assigned_groups', 'assignment'], ['/spec/excluded_groups', 'assignment'], ['/spec/install', 'assignment'], ['/spec/removal_date', 'assignment'],
];
const tabOf = (pointer: string): Tab => TAB_OF.find(([start]) => pointer.startsWith(start))?.[1] ?? 'general';

function Status({ profile }: { profile: Profile }) {
  const { job } = route.useSearch();
  const patch = usePatch();
  const queries = useQueryClient();
  return (
    <>
      <Group gap="md">
        <StatusBadge status={profile.state} />
        {profile.published_version > 0 && <Text size="sm">Version {profile.published_version}</Text>}
        <DeviceCounts profile={profile} />
      </Group>
      {job && <JobNotice id={job} onDone={() => void queries.invalidateQueries({ queryKey: getProfileQueryKey({ path: { id: profile.id } }) })} onClose={() => patch({ job: undefined })} />}
    </>
  );
}

function Editor({ saved, platform }: { saved: Profile | undefined; platform: Platform }) {
  const queries = useQueryClient();
  const navigate = useNavigate();
  const patch = usePatch();
  const { tab = 'general' } = route.useSearch();
  const { og } = useScope();
  const [start, setStart] = useState<Draft>(() => (saved ? draftOf(saved) : { name: '', platform, organization_group_id: og ?? null, spec: fullSpec() }));
  const [draft, setDraft] = useState(start);
  // The version the draft began from: what others save meanwhile must not be overwritten.
  const [base, setBase] = useState(saved?.version);
  const [dialog, setDialog] = useState<'publish' | 'retire' | 'delete'>();
  const { busy, problem, errorAt, submit } = useSubmit();
  const unsaved = JSON.stringify(draft) !== JSON.stringify(start);
  const unreadable = draft.spec.payloads.some(isUnreadable);

  const keep = (profile: Profile) => {
    setBase(profile.version);
    queries.setQueryData(getProfileQueryKey({ path: { id: profile.id } }), profile);
    void queries.invalidateQueries({ queryKey: listProfilesQueryKey() });
    void queries.invalidateQueries({ queryKey: listProfileVersionsQueryKey({ path: { id: profile.id } }) });
  };
  const save = async (): Promise<Profile | undefined> => {
    if (saved && !unsaved && saved.version === base) return saved;
    const body = { name: draft.name, organization_group_id: draft.organization_group_id ?? undefined, spec: toSend(draft.spec) };
    const answer = await submit({ body, version: base }, (key) =>
      saved
        ? editProfile({ path: { id: saved.id }, body: { ...body, version: base }, throwOnError: true })
        : createProfile({ body: { ...body, platform: draft.platform }, headers: { 'Idempotency-Key': key }, throwOnError: true }),
    );
    if (!answer) return undefined;
    keep(answer.data);
    setStart(draftOf(answer.data));
    setDraft(draftOf(answer.data));
    return answer.data;
  };
  // A new profile gets its own address only once nothing is going on here any more.
  const settle = (profile: Profile, job?: string | null) =>
    void navigate({ to: '/profiles/$id', params: { id: profile.id }, search: ((now: object) => ({ ...now, platform: undefined, job: job ?? undefined })) as never, replace: true, ignoreBlocker: true });
  const [publishing, setPublishing] = useState<Profile>();
  const saveDraft = async () => {
    const profile = await save();
    if (!profile) return;
    toastDone(`Draft of ${profile.name} saved`);
    if (!saved) settle(profile);
  };
  const saveAndPublish = async () => setPublishing(await save());

  const wrong = (which: Tab) => problem?.errors?.some(({ pointer }) => tabOf(pointer) === which);
  const title = (which: Tab, text: string) => (
    <Tabs.Tab value={which} rightSection={wrong(which) ? <IconAlertTriangle size={14} color="var(--mantine-color-error)" aria-label="has errors" /> : undefined}>{text}</Tabs.Tab>
  );
  const props = { draft, onChange: setDraft, errorAt };
  const ready = Boolean(draft.name.trim()) && !unreadable;
  const onDevices = Object.entries(saved?.devices ?? {}).filter(([status]) => status !== 'removed' && status !== 'not_applicable').reduce((sum, [, n]) => sum + n, 0);
  return (
    <Stack gap="sm">
      <LeaveGuard unsaved={unsaved} />
      <PageHeader title={saved?.name ?? 'New profile'} description={<Link to="/profiles">All profiles</Link>}>
        {saved && <DownloadConfiguration profile={saved} />}
        {saved?.state === 'published' && <Button variant="default" leftSection={<IconArchive size={16} aria-hidden />} onClick={() => setDialog('retire')}>Retire</Button>}
        {saved?.published_version === 0 && <Button variant="default" leftSection={<IconTrash size={16} aria-hidden />} onClick={() => setDialog('delete')}>Delete</Button>}
        <Button variant="default" loading={busy} disabled={!ready || !unsaved} onClick={() => void saveDraft()}>Save draft</Button>
        <Button loading={busy} disabled={!ready} onClick={() => void saveAndPublish()}>Save & Publish</Button>
      </PageHeader>
      {saved && <Status profile={saved} />}
      {saved && saved.findings.length > 0 && (
        <Alert color="yellow" icon={<IconAlertTriangle aria-hidden />} title={<Text span inherit c="var(--mantine-color-text)">Newer than what is known here, or misspelt</Text>}>
          <List size="sm">{saved.findings.map(({ pointer, detail }) => <List.Item key={pointer + detail}>{detail} (<Code>{pointer}</Code>)</List.Item>)}</List>
          <Text size="sm" mt={4}>It is sent to devices as it is.</Text>
        </Alert>
      )}
      {problem && <ErrorState error={problem} />}
      {unreadable && <Alert color="red" icon={<IconAlertTriangle aria-hidden />}>Custom settings cannot be read: mend their text under Payloads before saving.</Alert>}
      <Tabs value={tab} onChange={(next) => next && patch({ tab: next as Tab })} keepMounted={false}>
        <Tabs.List mb="md">
          {title('general', 'General')}
          {title('payloads', `Payloads (${draft.spec.payloads.length})`)}
          {title('assignment', 'Assignment')}
          {saved && title('versions', 'Versions')}
        </Tabs.List>
        <Tabs.Panel value="general" maw={900}><GeneralTab {...props} /></Tabs.Panel>
        <Tabs.Panel value="payloads" maw={1000}>
          <Suspense fallback={<Skeleton h={200} />}>
            <PayloadsTab platform={draft.platform} payloads={draft.spec.payloads} onChange={(payloads) => setDraft({ ...draft, spec: { ...draft.spec, payloads } })} errorAt={errorAt} problem={problem} requirements={saved?.requirements ?? []} saved={start.spec.payloads} />
          </Suspense>
        </Tabs.Panel>
        <Tabs.Panel value="assignment" maw={900}><AssignmentTab {...props} /></Tabs.Panel>
        {saved && <Tabs.Panel value="versions" maw={1000}><VersionsTab profile={saved} /></Tabs.Panel>}
      </Tabs>
      {publishing && (
        <PublishModal
          profile={publishing}
          onPublished={(profile) => {
            setPublishing(undefined);
            keep(profile);
            toastDone(`${profile.name} published as version ${profile.published_version}`);
            settle(profile, profile.job_id);
          }}
          onClose={() => {
            setPublishing(undefined);
            if (!saved) settle(publishing);
          }}
        />
      )}
      {dialog === 'retire' && saved && (
        <ConfirmModal
          title={`Retire ${saved.name}`}
          confirmLabel="Retire profile"
          onClose={() => setDialog(undefined)}
          onConfirm={async () => {
            const { data } = await retireProfile({ path: { id: saved.id }, query: { version: saved.version }, throwOnError: true });
            keep(data);
            toastDone(`${data.name} retired`);
            patch({ job: data.job_id ?? undefined });
          }}
        >
          <Text size="sm">It is taken off {counted(onDevices, 'device')} that {onDevices === 1 ? 'has' : 'have'} it or {onDevices === 1 ? 'waits' : 'wait'} for it. Publishing it again brings it back.</Text>
        </ConfirmModal>
      )}
      {dialog === 'delete' && saved && (
        <ConfirmModal
          title={`Delete ${saved.name}`}
          confirmLabel="Delete draft"
          typed={saved.name}
          onClose={() => setDialog(undefined)}
          onConfirm={async () => {
            await deleteProfile({ path: { id: saved.id }, throwOnError: true });
            toastDone(`Draft ${saved.name} deleted`);
            void queries.invalidateQueries({ queryKey: listProfilesQueryKey() });
            void navigate({ to: '/profiles', ignoreBlocker: true });
          }}
        >
          <Text size="sm">It was never published, so it is on no device. It is gone for good.</Text>
        </ConfirmModal>
      )}
    </Stack>
  );
}

function Shown({ profile }: { profile: Profile }) {
  const { tab } = route.useSearch();
  const patch = usePatch();
  const rows = [...specInWords(profile.spec, useNames())];
  return (
    <Stack gap="sm">
      <PageHeader title={profile.name} description={<Link to="/profiles">All profiles</Link>}><DownloadConfiguration profile={profile} /></PageHeader>
      <Status profile={profile} />
      <Tabs value={tab === 'versions' ? 'versions' : 'general'} onChange={(next) => next && patch({ tab: next as Tab })} keepMounted={false}>
        <Tabs.List mb="md"><Tabs.Tab value="general">Settings</Tabs.Tab><Tabs.Tab value="versions">Versions</Tabs.Tab></Tabs.List>
        <Tabs.Panel value="general">
          <Table variant="vertical" withTableBorder maw={1000}>
            <Table.Tbody>{rows.map(([what, text]) => <Table.Tr key={what}><Table.Th w={320} style={{ overflowWrap: 'anywhere' }}>{what}</Table.Th><Table.Td style={{ overflowWrap: 'anywhere' }}>{text}</Table.Td></Table.Tr>)}</Table.Tbody>
          </Table>
        </Tabs.Panel>
        <Tabs.Panel value="versions"><VersionsTab profile={profile} /></Tabs.Panel>
      </Tabs>
    </Stack>
  );
}
