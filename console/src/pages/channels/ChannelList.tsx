// The channels at a glance: which are set up, which work, what waits.
import { Stack, Text } from '@mantine/core';
import { IconAlertTriangle, IconArchive, IconCheck, IconMinus, IconPlugX } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import type { ChannelSummary, Entry } from '../../api';
import { listChannelsOptions } from '../../api/@tanstack/react-query.gen';
import { counted, words } from '../../lib/words';
import { Badge, type Look } from '../../ui/badges';
import { Link } from '../../ui/Link';
import { LivePill } from '../../ui/LivePill';
import { PageHeader } from '../../ui/PageHeader';
import { ShortTable } from '../../ui/ShortTable';
import { EmptyState, ErrorState } from '../../ui/states';
import { Time } from '../../ui/Time';
import { SettingsTabs } from '../settings/SettingsTabs';
import { CHANNELS } from './says';

// What waits, and how providers are doing, is not in the journal.
const POLL = 10_000;
const concernsChannels = (entry: Entry) => entry.object?.kind === 'channel';

function stateOf({ channel, configured, enabled, provider }: ChannelSummary): { look: Look; word: string; text?: string } {
  if (!configured) return { look: ['neutral', IconMinus], word: 'Not set up', text: CHANNELS[channel].off };
  if (!enabled) return { look: ['warn', IconArchive], word: 'Off', text: CHANNELS[channel].off };
  switch (provider?.state) {
    case 'unreachable':
      return { look: ['bad', IconPlugX], word: 'Cannot be reached', text: provider.answer };
    case 'unusable':
      return { look: ['bad', IconAlertTriangle], word: 'Cannot be used as it is set up', text: provider.answer };
    default:
      return { look: ['good', IconCheck], word: 'On' };
  }
}

function State({ of }: { of: ChannelSummary }) {
  const { look, word, text } = stateOf(of);
  return <Stack gap={2} align="flex-start" style={{ whiteSpace: 'normal' }}><Badge look={look} text={word} />{text && <Text size="xs" c="dimmed">{text}</Text>}</Stack>;
}

export default function ChannelList() {
  const query = useQuery({ ...listChannelsOptions(), refetchInterval: POLL });
  return (
    <Stack gap="sm" maw={860}>
      <PageHeader title="Channels" description="What messages to people are sent by, and what agents on devices are woken by."><LivePill query={query} concerns={concernsChannels} /></PageHeader>
      <SettingsTabs />
      {query.error && <ErrorState error={query.error} onRetry={() => void query.refetch()} />}
      {!(query.error && !query.data) && (
        <ShortTable<ChannelSummary>
          label="Channels"
          rows={query.data?.items}
          columns={[
            { key: 'channel', title: 'Channel', render: ({ channel }) => <Link to={`/settings/channels/${channel}` as string}>{words(channel)}</Link> },
            { key: 'state', title: 'State', render: (it) => <State of={it} /> },
            { key: 'queued', title: 'Waiting', render: ({ queued, oldest_queued_at }) => (queued > 0 ? <>{counted(queued, 'message')}, the oldest <Time at={oldest_queued_at} /></> : '–') },
            { key: 'changed', title: 'Changed', render: ({ changed_at }) => <Time at={changed_at} /> },
          ]}
          idOf={({ channel }) => channel}
          empty={<EmptyState title="No channels" />}
        />
      )}
    </Stack>
  );
}
