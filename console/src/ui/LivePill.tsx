// Says that a list has changed since it was fetched; the rows move only when asked to.
import { Button } from '@mantine/core';
import { IconRefresh } from '@tabler/icons-react';
import type { Entry } from '../api';
import { useNews } from '../app/live';
import { counted } from '../lib/words';

type Props = {
  query: { dataUpdatedAt: number; refetch: () => unknown };
  /** Whether an entry of the journal concerns this list. */
  concerns: (entry: Entry) => boolean;
};

export function LivePill({ query, concerns }: Props) {
  const news = useNews(query.dataUpdatedAt, concerns);
  return (
    <div role="status">
      {news > 0 && (
        <Button size="xs" radius="xl" variant="light" leftSection={<IconRefresh size={14} aria-hidden />} onClick={() => void query.refetch()}>
          {counted(news, 'change')} · refresh
        </Button>
      )}
    </div>
  );
}
