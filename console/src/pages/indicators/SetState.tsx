// How a set of indicators stands: a word, since when, and what went wrong.
import { Stack, Text } from '@mantine/core';
import { IconAlertTriangle, IconCheck, IconClock, IconDownload } from '@tabler/icons-react';
import type { IndicatorSet } from '../../api';
import { counted } from '../../lib/words';
import { Badge, type Look } from '../../ui/badges';
import { awaited } from './sets';

function said(set: IndicatorSet): { look: Look; word: string; text?: string } {
  if (set.loading) return { look: ['info', IconDownload], word: 'Being taken in', text: 'What was loaded before is in force until then.' };
  if (awaited(set)) return { look: ['info', IconClock], word: 'Fetched within seconds' };
  if (set.error) return { look: ['bad', IconAlertTriangle], word: 'Failed', text: `${set.error}.${set.loaded_at ? ' What was loaded before stays in force.' : ''}` };
  if (!set.loaded_at) return { look: ['neutral', IconClock], word: 'Empty', text: set.origin === 'upload' ? 'Nothing was uploaded yet.' : 'Nothing was fetched yet.' };
  return { look: ['good', IconCheck], word: 'In force', text: set.skipped > 0 ? `${counted(set.skipped, 'entry', 'entries')} gave no indicator.` : undefined };
}

export function SetState({ set }: { set: IndicatorSet }) {
  const { look, word, text } = said(set);
  return (
    <Stack gap={2} align="flex-start" style={{ whiteSpace: 'normal' }}>
      <Badge look={look} text={word} />
      {text && <Text size="xs" c="dimmed">{text}</Text>}
    </Stack>
  );
}
