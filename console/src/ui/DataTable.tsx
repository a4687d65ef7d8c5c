// A list the server pages, sorts and filters: shows one page of it as a table, on narrow screens as cards.
import { Button, Card, Checkbox, Group, Select, Skeleton, Stack, Table, Text } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { IconChevronLeft, IconChevronRight } from '@tabler/icons-react';
import { type ReactNode, useLayoutEffect, useRef } from 'react';
import { count } from '../lib/words';
import type { Selection } from './selection';
import { EmptyState, ErrorState } from './states';
import { Body, type Column, Head, type Sorting } from './tableParts';

export type { Column };

/** What `useListSearch` returns, as far as the table needs it. */
type TableState<S extends string> = Sorting<S> & {
  filtered: boolean;
  clearFilters: () => void;
  page: number | undefined;
  onFirstPage: boolean;
  next: (cursor: string) => void;
  back: () => void;
};

type Props<T, S extends string> = {
  /** Names the list for screen readers. */
  label: string;
  list: TableState<S>;
  /** The result of `useQuery`. */
  query: { data: { items: T[]; next_cursor?: string | null } | undefined; error: unknown; isFetching: boolean; refetch: () => unknown };
  columns: Column<T, S>[];
  idOf: (row: T) => string;
  nameOf: (row: T) => string;
  selection?: Selection<T>;
  /** Shown when there is nothing at all: an `EmptyState` that says how to begin. */
  empty: ReactNode;
};

export function DataTable<T, S extends string>(props: Props<T, S>) {
  const narrow = useMediaQuery('(max-width: 48em)');
  const { list, query, selection } = props;
  const rows = query.data?.items;
  if (query.error && !rows) return <ErrorState error={query.error} onRetry={() => void query.refetch()} />;
  const nothing = rows?.length === 0 && (
    list.filtered ? (
      <EmptyState title="Nothing matches these filters" action={<Button size="xs" variant="default" onClick={list.clearFilters}>Clear filters</Button>} />
    ) : list.onFirstPage ? (
      props.empty
    ) : (
      <EmptyState title="Nothing on this page any more" action={<Button size="xs" variant="default" onClick={list.back}>Back</Button>} />
    )
  );
  const next = query.data?.next_cursor;
  return (
    <Stack gap="xs">
      {query.error !== null && <ErrorState error={query.error} onRetry={() => void query.refetch()} />}
      {narrow ? <Cards {...props} rows={rows} nothing={nothing} /> : <Rows {...props} rows={rows} nothing={nothing} />}
      <Group justify="space-between">
        <Text size="sm" role="status">
          {rows && `${list.page ? `Page ${count(list.page)} · ` : ''}${count(rows.length)} ${rows.length === 1 ? 'row' : 'rows'}`}
          {selection && selection.size > 0 && ` · ${count(selection.size)} selected`}
        </Text>
        <Group gap="xs">
          {selection && selection.size > 0 && <Button size="xs" variant="subtle" onClick={selection.clear}>Clear selection</Button>}
          <Button size="xs" variant="default" leftSection={<IconChevronLeft size={14} aria-hidden />} disabled={list.onFirstPage} onClick={list.back}>
            {list.page === undefined ? 'First page' : 'Back'}
          </Button>
          <Button size="xs" variant="default" rightSection={<IconChevronRight size={14} aria-hidden />} disabled={!next || query.isFetching} onClick={() => next && list.next(next)}>
            Next
          </Button>
        </Group>
      </Group>
    </Stack>
  );
}

type Shown<T> = { rows: T[] | undefined; nothing: ReactNode };

function Rows<T, S extends string>({ label, list, query, columns, idOf, nameOf, selection, rows, nothing }: Props<T, S> & Shown<T>) {
  const span = columns.length + (selection ? 1 : 0);
  const region = useRef<HTMLDivElement>(null);
  // What is above has a height of its own, such as filters in several rows; the pager below stays in sight.
  useLayoutEffect(() => {
    const element = region.current;
    element?.style.setProperty('--table-top', `${Math.round(element.getBoundingClientRect().top + scrollY)}px`);
  });
  return (
    <div ref={region} className="table-scroll" tabIndex={0} role="region" aria-label={label}>
      <Table stickyHeader highlightOnHover verticalSpacing={5} aria-busy={query.isFetching}>
        <Head columns={columns} rows={rows} selection={selection} selectAll="Select all on this page" sorting={list} />
        <Table.Tbody>
          <Body columns={columns} rows={rows} expected={12} idOf={idOf} nameOf={nameOf} selection={selection} />
          {nothing && <Table.Tr><Table.Td colSpan={span}>{nothing}</Table.Td></Table.Tr>}
        </Table.Tbody>
      </Table>
    </div>
  );
}

function Cards<T, S extends string>({ label, list, query, columns, idOf, nameOf, selection, rows, nothing }: Props<T, S> & Shown<T>) {
  const sorts = columns.flatMap(({ sort, title }) => (sort ? [{ value: sort, label: title }, { value: `-${sort}`, label: `${title}, descending` }] : []));
  return (
    <>
      {sorts.length > 0 && (
        <Select
          size="xs"
          label="Sort by"
          clearable
          data={sorts}
          value={list.sortedBy ? (list.descending ? `-${list.sortedBy}` : list.sortedBy) : null}
          onChange={(value) => list.sortBy(value?.replace('-', '') as S | undefined, value?.startsWith('-'))}
        />
      )}
      <Stack component="ul" gap="xs" p={0} m={0} aria-label={label} aria-busy={query.isFetching}>
        {rows?.map((row) => (
          <Card component="li" key={idOf(row)} withBorder padding="sm">
            {selection && (
              <Checkbox mb="xs" label="Select" aria-label={`Select ${nameOf(row)}`} checked={selection.has(row)} onChange={(event) => selection.set([row], event.currentTarget.checked)} />
            )}
            {columns.map((column) => (
              <Group key={column.key} justify="space-between" wrap="nowrap" py={2}>
                <Text size="sm" c="dimmed">{column.title}</Text>
                <Text size="sm" component="div" ta="right">{column.render(row)}</Text>
              </Group>
            ))}
          </Card>
        ))}
      </Stack>
      {!rows && Array.from({ length: 4 }, (_, i) => <Skeleton key={i} h={120} />)}
      {nothing}
    </>
  );
}
