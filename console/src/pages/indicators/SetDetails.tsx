// One set of indicators in full, with what in its content gave no indicator.
import { Anchor, Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { getIndicatorSetOptions } from '../../api/@tanstack/react-query.gen';
import { count, words } from '../../lib/words';
import { Link } from '../../ui/Link';
import { Loading } from '../../ui/Loading';
import { Drawer } from '../../ui/Modal';
import { ClassificationName } from '../../ui/names';
import { Facts } from '../../ui/Section';
import { ShortTable } from '../../ui/ShortTable';
import { ErrorState } from '../../ui/states';
import { Time } from '../../ui/Time';
import { often } from './sets';
import { SetState } from './SetState';

export function SetDetails({ id, onClose }: { id: string; onClose: () => void }) {
  const { data: set, error, refetch } = useQuery(getIndicatorSetOptions({ path: { id } }));
  return (
    <Drawer opened onClose={onClose} position="right" size="lg" title={set?.name ?? 'Indicators'} closeButtonProps={{ 'aria-label': 'Close the set' }}>
      {error && <ErrorState error={error} onRetry={() => void refetch()} />}
      {!set && !error && <Loading />}
      {set && (
        <Stack>
          <SetState set={set} />
          <Facts
            facts={[
              ['Origin', words(set.origin)],
              ...(set.url ? [['Address', <Anchor key="url" size="sm" href={set.url} target="_blank" rel="noreferrer">{set.url}</Anchor>] as [string, React.ReactNode]] : []),
              ...(set.refresh_seconds ? [['Fetched', often(set.refresh_seconds)] as [string, string]] : []),
              ['Taken for', set.classification ? <ClassificationName key="classification" id={set.classification} /> : 'What the content says of each'],
              ['Format', set.format && words(set.format)],
              ['Indicators', <Link key="indicators" to="/indicators/search" search={{ set_id: set.id }}>{count(set.indicators)}</Link>],
              ['Gave no indicator', count(set.skipped)],
              ['Content changed', <Time key="loaded" at={set.loaded_at} />],
              ['Looked at last', <Time key="checked" at={set.checked_at} />],
              ['Next', <Time key="next" at={set.next_check_at} />],
              ['Added', <Time key="created" at={set.created_at} />],
            ]}
          />
          {set.findings && set.findings.length > 0 && (
            <>
              <Title order={2} size="h5">What gave no indicator</Title>
              {set.findings.length < set.skipped && <Text size="sm" c="dimmed">The first {count(set.findings.length)} of {count(set.skipped)}.</Text>}
              <ShortTable
                label="What gave no indicator"
                rows={set.findings}
                columns={[{ key: 'what', title: 'Entry', render: ({ what }) => what }, { key: 'why', title: 'Why', render: ({ why }) => why }]}
                idOf={({ what, why }) => `${what} ${why}`}
                empty={null}
              />
            </>
          )}
        </Stack>
      )}
    </Drawer>
  );
}
