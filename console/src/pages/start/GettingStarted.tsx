// Getting started: four steps from an empty server to the first detection answered.
import { Accordion, Group, Stack, Text } from '@mantine/core';
import { IconCircleCheck, IconCircleDashed } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import type { Entry } from '../../api';
import { listDevicesOptions, listIntegrationsOptions, listSmartGroupsOptions, listThreatsOptions } from '../../api/@tanstack/react-query.gen';
import { useRights } from '../../app/session';
import { useScope } from '../../app/scope';
import { Link } from '../../ui/Link';
import { useLiveRefresh } from '../../ui/liveRefresh';
import { PageHeader } from '../../ui/PageHeader';
import { QuickstartButton } from '../../ui/Quickstart';
import { Enroll } from './Enroll';
import { STEPS } from './search';
import { Sources } from './Sources';
import { Watch } from './Watch';

type Step = (typeof STEPS)[number];
const RESPONSE_GROUPS = ['MTD Low Risk', 'MTD Medium Risk', 'MTD High Risk'];
const concerns = (entry: Entry) => Boolean(entry.device_id) || entry.object?.kind === 'integration' || entry.object?.kind === 'smart_group';

/** Which steps are done, as far as that is known. */
function useDone(): Record<Step, boolean | undefined> {
  const { og } = useScope();
  const mayIntegrate = useRights()('manage_integrations');
  const groups = useQuery(listSmartGroupsOptions({ query: { limit: 500 } }));
  const threats = useQuery(listThreatsOptions({ query: { limit: 1 } }));
  const feeds = useQuery({ ...listIntegrationsOptions({ query: { limit: 1 } }), enabled: mayIntegrate });
  const devices = useQuery(listDevicesOptions({ query: { limit: 1, enrollment_status: ['enrolled'], organization_group_id: og } }));
  useLiveRefresh(() => Promise.all([groups, threats, devices].map((query) => query.refetch())), concerns);
  const any = (list: { data?: { items: unknown[] } }) => list.data && list.data.items.length > 0;
  const names = groups.data?.items.map(({ name }) => name);
  return {
    response: names && RESPONSE_GROUPS.every((name) => names.includes(name)),
    source: any(threats) || any(feeds),
    device: any(devices),
    watch: any(threats),
  };
}

export default function GettingStarted() {
  const { step } = useSearch({ from: '/shell/start' });
  const navigate = useNavigate();
  const done = useDone();
  const open = step ?? STEPS.find((each) => done[each] === false);
  const go = (to: Step | 'none', device?: string) =>
    void navigate({ to: '.', search: ((now: object) => ({ ...now, step: to, ...(device ? { device } : {}) })) as never, replace: true });
  const steps: Record<Step, { title: string; body: ReactNode }> = {
    response: {
      title: 'Set up the risk response',
      body: (
        <>
          <Text size="sm">
            What a device at risk is answered with: a smart group for each risk level, and a profile for Android and iOS that restricts the
            device while a threat is open. Everything can be changed afterwards, under <Link to="/smart-groups" underline="always">Smart groups</Link> and <Link to="/profiles" underline="always">Profiles</Link>.
          </Text>
          {done.response && <Text size="sm" fw={600}>The smart groups MTD Low Risk, MTD Medium Risk and MTD High Risk are there.</Text>}
          <Group><QuickstartButton onDone={() => go('response')} /></Group>
        </>
      ),
    },
    source: { title: 'Connect a source', body: <Sources /> },
    device: { title: 'Enroll a device', body: <Enroll onWatch={(device) => go('watch', device)} /> },
    watch: { title: 'Watch the first detection go round', body: <Watch /> },
  };
  return (
    <Stack maw={860}>
      <PageHeader title="Getting started" description="Four steps from an empty server to the first detection answered." />
      <Accordion variant="separated" value={open ?? null} onChange={(to) => go((to as Step | null) ?? 'none')}>
        {STEPS.map((each, at) => (
          <Accordion.Item key={each} value={each}>
            <Accordion.Control
              icon={done[each] ? <IconCircleCheck size={22} color="var(--mantine-color-teal-7)" aria-label="Done:" /> : <IconCircleDashed size={22} aria-label="To do:" />}
            >
              <Text fw={600}>{at + 1}. {steps[each].title}</Text>
            </Accordion.Control>
            <Accordion.Panel>{open === each && <Stack gap="sm">{steps[each].body}</Stack>}</Accordion.Panel>
          </Accordion.Item>
        ))}
      </Accordion>
    </Stack>
  );
}
