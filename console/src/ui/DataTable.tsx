// A list the server pages, sorts and filters: shows one page of it as a table, on narrow screens as cards.
import { Button, Card, Checkbox, Group, Select, Skeleton, Stack, Table, Text, VisuallyHidden } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { IconArrowDown, IconArrowsSort, IconArrowUp, IconChevronLeft, IconChevronRight } from '@tabler/icons-react';
import { type ReactNode, useLayoutEffect, useRef } from 'react';
import { count } from '../lib/words';
import type { Selection } from './selection';
import { EmptyState, ErrorState } from './states';

export type Column<T, S extends string = string> = {
  key: string;
  title: string;
  render: (row: T) => ReactNode;
  /** The API's word for sorting by this. */
  sort?: S;
  /** The order of the first click. */
  descendingFirst?: boolean;
  width?: number;
};

/** What `useListSearch` returns, as far as the table needs it. */
type TableState<S extends string> = {
  filtered: boolean;
  clearFilters: () => void;
  sortedBy: S | undefined;
  descending: boolean;
  sortBy: (by: S | undefined, descending?: boolean) => void;
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
  const chosen = rows && selection ? rows.filter(selection.has).length : 0;
  return (
    <div ref={region} className="table-scroll" tabIndex={0} role="region" aria-label={label}>
      <Table stickyHeader highlightOnHover verticalSpacing={5} aria-busy={query.isFetching}>
        <Table.Thead>
          <Table.Tr>
            {selection && (
              <Table.Th w={40}>
                <Checkbox
                  size="xs"
                  aria-label="Select all on this page"
                  checked={chosen > 0 && chosen === rows?.length}
                  indeterminate={chosen > 0 && chosen < (rows?.length ?? 0)}
                  onChange={(event) => selection.set(rows ?? [], event.currentTarget.checked)}
                />
              </Table.Th>
            )}
            {columns.map((column) => <Header key={column.key} column={column} list={list} />)}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {rows?.map((row) => {
            const on = selection?.has(row);
            return (
              <Table.Tr key={idOf(row)} bg={on ? 'var(--mantine-color-blue-light)' : undefined}>
                {selection && (
                  <Table.Td>
                    <Checkbox size="xs" aria-label={`Select ${nameOf(row)}`} checked={on} onChange={(event) => selection.set([row], event.currentTarget.checked)} />
                  </Table.Td>
                )}
                {columns.map((column) => <Table.Td key={column.key}>{column.render(row)}</Table.Td>)}
              </Table.Tr>
            );
          })}
          {!rows && Array.from({ length: 12 }, (_, i) => <Table.Tr key={i}><Table.Td colSpan={span}><Skeleton h={18} /></Table.Td></Table.Tr>)}
          {nothing && <Table.Tr><Table.Td colSpan={span}>{nothing}</Table.Td></Table.Tr>}
        </Table.Tbody>
      </Table>
    </div>
  );
}

function Header<T, S extends string>({ column, list }: { column: Column<T, S>; list: TableState<S> }) {
  const { sort } = column;
  const title = column.title || <VisuallyHidden>Actions</VisuallyHidden>;
  if (!sort) return <Table.Th w={column.width}>{title}</Table.Th>;
  const active = list.sortedBy === sort;
  const Icon = !active ? IconArrowsSort : list.descending ? IconArrowDown : IconArrowUp;
  const descending = active ? !list.descending : (column.descendingFirst ?? false);
  return (
    <Table.Th w={column.width} aria-sort={active ? (list.descending ? 'descending' : 'ascending') : undefined}>
      <button type="button" className="th-sort" onClick={() => list.sortBy(sort, descending)}>
        {title}
        <Icon size={14} aria-hidden opacity={active ? 1 : 0.5} />
      </button>
    </Table.Th>
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
