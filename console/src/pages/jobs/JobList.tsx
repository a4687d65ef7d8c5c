// Work that goes on after the request that started it: re-evaluations, with their progress.
import { Stack } from '@mantine/core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import type { Entry, Job } from '../../api';
import { listJobsOptions } from '../../api/@tanstack/react-query.gen';
import { useListSearch } from '../../lib/list';
import { words } from '../../lib/words';
import { StatusBadge } from '../../ui/badges';
import { type Column, DataTable } from '../../ui/DataTable';
import { JobProgress, useJob } from '../../ui/JobProgress';
import { LivePill } from '../../ui/LivePill';
import { PageHeader } from '../../ui/PageHeader';
import { EmptyState } from '../../ui/states';
import { Time } from '../../ui/Time';
import { jobSearch } from './search';

const COLUMNS: Column<Job, never>[] = [
  { key: 'state', title: 'State', render: (job) => <State job={job} /> },
  { key: 'kind', title: 'Kind', render: (job) => words(job.kind) },
  { key: 'reason', title: 'Why', render: (job) => job.reason },
  { key: 'progress', title: 'Devices', width: 260, render: (job) => <JobProgress id={job.id} known={job} /> },
  { key: 'by', title: 'Started by', render: (job) => job.created_by },
  { key: 'created', title: 'Started', render: (job) => <Time at={job.created_at} /> },
  { key: 'updated', title: 'Last moved', render: (job) => <LastMoved job={job} /> },
];

function State({ job }: { job: Job }) {
  const { data } = useJob(job.id, job);
  return <StatusBadge status={(data ?? job).state} />;
}

function LastMoved({ job }: { job: Job }) {
  const { data } = useJob(job.id, job);
  return <Time at={(data ?? job).updated_at} />;
}

// Only a change of the rules or of indicators starts one.
const RULES = ['settings', 'classification', 'smart_group', 'profile', 'tag', 'organization_group', 'indicator_set'];
const startsJobs = (entry: Entry) => RULES.includes(String(entry.object?.kind));

export default function JobList() {
  const list = useListSearch(jobSearch);
  const query = useQuery({ ...listJobsOptions({ query: list.query }), placeholderData: keepPreviousData });
  return (
    <Stack gap="sm">
      <PageHeader title="Jobs" description="Re-evaluations of devices after a change of rules or indicators, newest first. Detections go on being served meanwhile.">
        <LivePill query={query} concerns={startsJobs} />
      </PageHeader>
      <DataTable<Job, never> label="Jobs" list={list} query={query} columns={COLUMNS} idOf={(job) => job.id} nameOf={(job) => job.reason} empty={<EmptyState title="No jobs yet">One starts when Protections, smart groups, profiles, indicators or settings change.</EmptyState>} />
    </Stack>
  );
}
