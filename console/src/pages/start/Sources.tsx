// The ways detections come in, each with what exactly to do.
import { List, Stack, Tabs, Text } from '@mantine/core';
import { useNavigate, useSearch } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { Link } from '../../ui/Link';
import { Command } from './Command';
import { SOURCES } from './search';

const server = location.origin;
const EXAMPLE = {
  event_id: 'e-1', source: 'my-sensor', device: { serial_number: 'R58M123ABC' }, threat_id: 't-1', classification: 'trojan', status: 'open',
  detected_at: '2026-03-01T08:00:00Z', details: { package_name: 'com.example.bad' },
};
const line = JSON.stringify(EXAMPLE);

const apiTokens = <Link to="/api-tokens" underline="always">API token</Link>;

const WAYS: Record<(typeof SOURCES)[number], { title: string; body: ReactNode }> = {
  feed: {
    title: 'Feed',
    body: (
      <>
        <Text size="sm">The server reads the Lookout Mobile Risk API and goes on where it stopped, also after a restart.</Text>
        <List size="sm" type="ordered">
          <List.Item>In the Lookout console, create an application key.</List.Item>
          <List.Item>Under <Link to="/integrations" underline="always">Integrations</Link>, connect Lookout with that key.</List.Item>
          <List.Item>Messages about devices that are not known yet wait for them; enroll the devices, or give them the id that Lookout knows them by.</List.Item>
        </List>
      </>
    ),
  },
  agent: {
    title: 'Agent',
    body: (
      <>
        <Text size="sm">An enrolled device reports what it finds itself, and carries out what it is told. Enroll one in the next step; with its device token:</Text>
        <Command label="Report a threat">{`curl -X POST ${server}/agent/v1/detections \\
  -H "Authorization: Bearer $DEVICE_TOKEN" -H 'Content-Type: application/json' \\
  -d '{"event_id": "e-1", "threat_id": "t-1", "classification": "trojan", "status": "open", "detected_at": "'$(date -u +%FT%TZ)'"}'`}</Command>
        <Command label="Ask what to do">{`curl "${server}/agent/v1/commands?wait=30" -H "Authorization: Bearer $DEVICE_TOKEN"`}</Command>
      </>
    ),
  },
  file: {
    title: 'File or API',
    body: (
      <>
        <Text size="sm">Detections as JSON lines, from a file or another system. The same event again changes nothing. You need an {apiTokens} with the right to hand in detections, in <code>ALLCLEAR_TOKEN</code>.</Text>
        <Command label="detections.ndjson">{line}</Command>
        <Command label="From the file">{`allclear ingest --server ${server} --format native detections.ndjson`}</Command>
        <Command label="Through the API">{`curl -X POST ${server}/api/v1/detections \\
  -H "Authorization: Bearer $ALLCLEAR_TOKEN" -H 'Content-Type: application/x-ndjson' \\
  --data-binary @detections.ndjson`}</Command>
        <Text size="sm">A file of Lookout’s events is taken in with <code>--format lookout</code>.</Text>
      </>
    ),
  },
  simulator: {
    title: 'Simulator',
    body: (
      <>
        <Text size="sm">Phones that enroll, catch threats, lose them and carry out what they are told, to see it all without real devices. You need an {apiTokens} with the role Administrator, in <code>ALLCLEAR_TOKEN</code>.</Text>
        <Command label="Twenty phones">{`allclear simulate --server ${server} --devices 20`}</Command>
        <Text size="sm">Ctrl-C ends it. The simulated users and devices stay until you delete them.</Text>
      </>
    ),
  },
};

export function Sources() {
  const { source = 'feed' } = useSearch({ from: '/shell/start' });
  const navigate = useNavigate();
  return (
    <Tabs
      value={source}
      keepMounted={false}
      onChange={(to) => void navigate({ to: '.', search: ((now: object) => ({ ...now, source: to })) as never, replace: true })}
    >
      <Tabs.List aria-label="Kind of source">{SOURCES.map((each) => <Tabs.Tab key={each} value={each}>{WAYS[each].title}</Tabs.Tab>)}</Tabs.List>
      {SOURCES.map((each) => <Tabs.Panel key={each} value={each} pt="sm"><Stack gap="sm">{WAYS[each].body}</Stack></Tabs.Panel>)}
    </Tabs>
  );
}
