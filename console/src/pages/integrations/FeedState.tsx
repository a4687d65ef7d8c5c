// How a feed is doing: a word, since when, and what to do where something went wrong.
import { Stack, Text } from '@mantine/core';
import { IconAlertTriangle, IconCheck, IconClock, IconHelpCircle, IconPlugX, IconRefresh } from '@tabler/icons-react';
import type { IntegrationState } from '../../api';
import { words } from '../../lib/words';
import { Badge, type Look } from '../../ui/badges';
import { Time } from '../../ui/Time';

const STATES: Record<string, { look: Look; text?: string }> = {
  connected: { look: ['good', IconCheck] },
  connecting: { look: ['info', IconClock] },
  resuming: { look: ['info', IconRefresh], text: 'Catches up with what happened meanwhile.' },
  waiting: { look: ['info', IconClock], text: 'A server takes it up within seconds.' },
  reconnecting: { look: ['warn', IconRefresh] },
  rate_limited: { look: ['warn', IconClock], text: 'The feed asks for slower reading.' },
  unauthorised: { look: ['bad', IconAlertTriangle], text: 'The feed refuses the key: edit it.' },
  position_lost: { look: ['serious', IconAlertTriangle], text: 'The feed no longer keeps what comes next; it begins anew as far back as it can.' },
  disabled: { look: ['neutral', IconPlugX] },
};

export function FeedState({ state: { state, since, detail, attempt, retry_in_seconds: retry } }: { state: IntegrationState }) {
  const { look, text } = STATES[state] ?? { look: ['neutral', IconHelpCircle] as Look };
  const tries = [attempt && `attempt ${attempt}`, retry && `next in about ${Math.ceil(retry)} s`].filter(Boolean).join(', ');
  return (
    <Stack gap={2} align="flex-start" style={{ whiteSpace: 'normal' }}>
      <span><Badge look={look} text={words(state)} /> <Text span size="xs" c="dimmed"><Time at={since} /></Text></span>
      {[text, detail, tries].filter(Boolean).map((line) => <Text key={line} size="xs" c="dimmed">{line}</Text>)}
    </Stack>
  );
}
