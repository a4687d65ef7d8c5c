// One smart group: its editor with the effect of saving shown while it is changed; in words for those who may only look.
import { Alert, Button, Card, Fieldset, Grid, Group, SegmentedControl, Select, Skeleton, Stack, Table, Text, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { IconAlertTriangle, IconInfoCircle, IconTrash } from '@tabler/icons-react';
import { keepPreviousData, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { createSmartGroup, editSmartGroup, type PreviewAnswer, previewSmartGroup, type SmartGroup } from '../../api';
import { getSmartGroupOptions, getSmartGroupQueryKey, listSmartGroupsQueryKey } from '../../api/@tanstack/react-query.gen';
import { useRights } from '../../app/session';
import { useHome, useOrganizationGroups, useOrganizationGroupsQuery } from '../../app/scope';
import type { Problem } from '../../lib/api';
import { useSubmit } from '../../lib/submit';
import { count } from '../../lib/words';
import { Effect, type EffectWords } from '../../ui/Effect';
import { JobNotice } from '../../ui/JobNotice';
import { LeaveGuard } from '../../ui/LeaveGuard';
import { Link } from '../../ui/Link';
import { OrganizationGroupName } from '../../ui/names';
import { PageHeader } from '../../ui/PageHeader';
import { PickDevices, PickUserGroups, PickUsers, useAllTags, useDeviceNames, useUserNames } from '../../ui/PickMany';
import { ErrorState } from '../../ui/states';
import { toastDone } from '../../ui/toasts';
import { CriteriaEditor } from './CriteriaEditor';
import { DeleteSmartGroup } from './DeleteSmartGroup';
import { lint } from './lint';
import { useNames } from './names';
import { criteriaInWords, fullCriteria, fullSelection, type FullSelection } from './selection';

const route = getRouteApi('/shell/smart-groups/$id');

export default function SmartGroupPage() {
  const { id } = route.useParams();
  const { job } = route.useSearch();
  const fresh = id === 'new';
  const query = useQuery({ ...getSmartGroupOptions({ path: { id } }), enabled: !fresh });
  const waiting = useOrganizationGroupsQuery().isPending;
  const mayManage = useRights()('manage_smart_groups');
  const navigate = useNavigate();
  if (query.error && !query.data) return <ErrorState error={query.error} onRetry={() => void query.refetch()} />;
  if (fresh ? waiting : !query.data) return <Stack><Skeleton h={32} w={240} /><Skeleton h={320} /></Stack>;
  const notice = job && (
    <JobNotice id={job} onDone={() => void query.refetch()} onClose={() => void navigate({ to: '.', search: ((now: object) => ({ ...now, job: undefined })) as never, replace: true })} />
  );
  return mayManage ? <Editor key={id} saved={query.data} notice={notice} /> : <Shown group={query.data} notice={notice} />;
}

const SAYS: EffectWords = {
  matching: 'would be in the group', gaining: 'would join', losing: 'would leave',
  gains: 'joins', loses: 'leaves', stays: 'is in it',
};

type Draft = { name: string; organization_group_id: string | null; selection: FullSelection };
const draftOf = (group: SmartGroup): Draft => ({ name: group.name, organization_group_id: group.organization_group_id, selection: fullSelection(group.selection) });

function Editor({ saved, notice }: { saved: SmartGroup | undefined; notice: React.ReactNode }) {
  const queries = useQueryClient();
  const navigate = useNavigate();
  const organizationGroups = useOrganizationGroups();
  const byDefault = useHome()?.id;
  const tags = useAllTags();
  const [start, setStart] = useState<Draft>(() => (saved ? draftOf(saved) : { name: '', organization_group_id: byDefault ?? null, selection: fullSelection({ criteria: { organization_groups: byDefault ? [byDefault] : [] } }) }));
  const [draft, setDraft] = useState(start);
  // The version the draft began from: what others save meanwhile must not be overwritten.
  const [base, setBase] = useState(saved?.version);
  const [deleting, setDeleting] = useState(false);
  const { busy, problem, errorAt, submit } = useSubmit();
  const { selection } = draft;
  const select = (patch: Partial<FullSelection>) => setDraft({ ...draft, selection: { ...selection, ...patch } });
  const unsaved = JSON.stringify(draft) !== JSON.stringify(start);
  const home = draft.organization_group_id ?? byDefault;
  const move = (to: string | null) => {
    const { criteria } = selection;
    // The criterion a new group begins with goes along.
    const organization_groups = criteria.organization_groups.map((id) => (id === home && to ? to : id));
    setDraft({ ...draft, organization_group_id: to, selection: { ...selection, criteria: { ...criteria, organization_groups } } });
  };
  const findings = lint(selection, { home, organizationGroups, tags: tags ?? [] });

  const asked = { id: saved?.id, organization_group_id: draft.organization_group_id ?? undefined, selection };
  const [settled] = useDebouncedValue(asked, 400);
  const preview = useQuery<PreviewAnswer, Problem>({
    queryKey: ['previewSmartGroup', settled, saved?.version],
    queryFn: async ({ signal }) => (await previewSmartGroup({ body: settled, signal, throwOnError: true })).data,
    placeholderData: keepPreviousData,
  });

  const save = async () => {
    const { organization_group_id, ...rest } = draft;
    const body = { ...rest, organization_group_id: organization_group_id ?? undefined };
    const answer = await submit({ body, version: base }, (key) =>
      saved
        ? editSmartGroup({ path: { id: saved.id }, body: { ...body, version: base }, throwOnError: true })
        : createSmartGroup({ body, headers: { 'Idempotency-Key': key }, throwOnError: true }),
    );
    if (!answer) return;
    const group = answer.data;
    queries.setQueryData(getSmartGroupQueryKey({ path: { id: group.id } }), group);
    void queries.invalidateQueries({ queryKey: listSmartGroupsQueryKey() });
    toastDone(`Smart group ${group.name} saved`);
    setBase(group.version);
    setStart(draftOf(group));
    setDraft(draftOf(group));
    void navigate({ to: '/smart-groups/$id', params: { id: group.id }, search: ((now: object) => ({ ...now, job: group.job_id ?? undefined })) as never, replace: true, ignoreBlocker: true });
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void save();
      }}
    >
      <LeaveGuard unsaved={unsaved} />
      <Stack gap="sm">
        <PageHeader title={saved?.name ?? 'New smart group'} description={<Link to="/smart-groups">All smart groups</Link>}>
          {saved && <Button variant="default" leftSection={<IconTrash size={16} aria-hidden />} onClick={() => setDeleting(true)}>Delete</Button>}
          <Button type="submit" loading={busy} disabled={!draft.name.trim() || !unsaved}>Save</Button>
        </PageHeader>
        {notice}
        {problem && <ErrorState error={problem} />}
        <Grid>
          <Grid.Col span={{ base: 12, md: 8 }}>
            <Stack>
              <Group align="flex-start" grow>
                <TextInput label="Name" withAsterisk maxLength={100} value={draft.name} onChange={(event) => setDraft({ ...draft, name: event.currentTarget.value })} error={errorAt('/name')} />
                <Select label="Organization group" description="It holds devices at or below this one." inputWrapperOrder={['label', 'input', 'description', 'error']} searchable allowDeselect={false} data={organizationGroups.map((group) => ({ value: group.id, label: group.name }))} value={home ?? null} onChange={move} error={errorAt('/organization_group_id')} />
              </Group>
              <SegmentedControl
                aria-label="What selects its devices"
                data={[{ value: 'criteria', label: 'Criteria' }, { value: 'devices_or_users', label: 'Named devices or users' }]}
                value={selection.kind}
                onChange={(kind) => select(kind === 'criteria' ? { kind } : { kind: 'devices_or_users', criteria: fullCriteria() })}
                style={{ alignSelf: 'flex-start' }}
              />
              {selection.kind === 'criteria' && (
                <Fieldset legend="Criteria: all that are given have to hold">
                  {errorAt('/selection/criteria') && <Alert mb="sm" color="red" icon={<IconAlertTriangle aria-hidden />}>{errorAt('/selection/criteria')}</Alert>}
                  <CriteriaEditor value={selection.criteria} onChange={(criteria) => select({ criteria })} errorAt={errorAt} at="/selection/criteria" />
                </Fieldset>
              )}
              <Fieldset legend={selection.kind === 'criteria' ? 'Additions: in it whatever the criteria say' : 'Devices and users in it'}>
                <Stack gap="sm">
                  <PickDevices label="Devices" value={selection.additions.devices} onChange={(devices) => select({ additions: { ...selection.additions, devices } })} error={errorAt('/selection/additions/devices') ?? errorAt('/selection/additions')} />
                  <PickUsers label="All devices of users" value={selection.additions.users} onChange={(users) => select({ additions: { ...selection.additions, users } })} error={errorAt('/selection/additions/users')} />
                </Stack>
              </Fieldset>
              <Fieldset legend="Exclusions: not in it whatever else is said">
                <Stack gap="sm">
                  <PickDevices label="Devices left out" value={selection.exclusions.devices} onChange={(devices) => select({ exclusions: { ...selection.exclusions, devices } })} error={errorAt('/selection/exclusions/devices')} />
                  <PickUsers label="All devices of users left out" value={selection.exclusions.users} onChange={(users) => select({ exclusions: { ...selection.exclusions, users } })} error={errorAt('/selection/exclusions/users')} />
                  <PickUserGroups label="All devices of user groups left out" value={selection.exclusions.user_groups} onChange={(user_groups) => select({ exclusions: { ...selection.exclusions, user_groups } })} error={errorAt('/selection/exclusions/user_groups')} />
                </Stack>
              </Fieldset>
            </Stack>
          </Grid.Col>
          <Grid.Col span={{ base: 12, md: 4 }}>
            <Stack style={{ position: 'sticky', top: 68 }}>
              <Card withBorder>
                <Text fw={600} component="h2" size="sm" mb="xs">{saved ? 'If you save this now' : 'In the group'}</Text>
                <Effect query={preview} says={SAYS} />
              </Card>
              <div role="status">
                {findings.map(({ severity, text }) => (
                  <Alert key={text} mb="xs" color={severity === 'contradiction' ? 'red' : 'blue'} icon={severity === 'contradiction' ? <IconAlertTriangle aria-hidden /> : <IconInfoCircle aria-hidden />} title={severity === 'contradiction' ? 'Contradiction' : 'Notice'}>{text}</Alert>
                ))}
              </div>
              {saved && (
                <Text size="sm">
                  Saved: <Link underline="always" to="/devices" search={{ smart_group_id: saved.id }}>{count(saved.devices)} devices</Link>, {count(saved.assignments)} assignments, {count(saved.exclusions)} exclusions in{' '}
                  <Link underline="always" to="/profiles" search={{ smart_group_id: saved.id }}>profiles</Link>.
                </Text>
              )}
            </Stack>
          </Grid.Col>
        </Grid>
      </Stack>
      {deleting && saved && <DeleteSmartGroup group={saved} onDeleted={(job) => void navigate({ to: '/smart-groups', search: { job: job ?? undefined } as never, ignoreBlocker: true })} onClose={() => setDeleting(false)} />}
    </form>
  );
}

function Shown({ group, notice }: { group: SmartGroup | undefined; notice: React.ReactNode }) {
  const name = useNames();
  const { kind, criteria, additions, exclusions } = fullSelection(group?.selection);
  const named = [...useDeviceNames([...additions.devices, ...exclusions.devices]), ...useUserNames([...additions.users, ...exclusions.users])];
  const nameOf = (id: string) => named.find((each) => each.value === id)?.label ?? name(id);
  if (!group) return <PageHeader title="New smart group" description="Your role does not allow making one." />;
  const rows = [
    ...(kind === 'criteria' ? criteriaInWords(criteria, name) : []),
    ...([['Added', [...additions.devices, ...additions.users]], ['Excluded', [...exclusions.devices, ...exclusions.users, ...exclusions.user_groups]]] as const)
      .filter(([, ids]) => ids.length > 0)
      .map(([label, ids]) => [label, ids.map(nameOf).join(', ')] as const),
  ];
  return (
    <Stack gap="sm">
      <PageHeader title={group.name} description={<Link to="/smart-groups">All smart groups</Link>} />
      {notice}
      <Text size="sm">
        <Link underline="always" to="/devices" search={{ smart_group_id: group.id }}>{count(group.devices)} devices</Link> at or below <OrganizationGroupName id={group.organization_group_id} />, {count(group.assignments)} assignments, {count(group.exclusions)} exclusions.
      </Text>
      {rows.length === 0 ? <Text size="sm">No criteria: all devices are in it.</Text> : (
        <Table variant="vertical" withTableBorder>
          <Table.Tbody>{rows.map(([label, text]) => <Table.Tr key={label}><Table.Th w={200}>{label}</Table.Th><Table.Td>{text}</Table.Td></Table.Tr>)}</Table.Tbody>
        </Table>
      )}
    </Stack>
  );
}
