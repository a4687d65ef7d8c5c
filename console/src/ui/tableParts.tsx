// What tables have in common: the head with sorting and choosing, and a row.
import { Checkbox, Skeleton, Table, VisuallyHidden } from '@mantine/core';
import { IconArrowDown, IconArrowsSort, IconArrowUp } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import type { Selection } from './selection';

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

/** How a list is sorted, and how that is changed. */
export type Sorting<S extends string> = {
  sortedBy: S | undefined;
  descending: boolean;
  sortBy: (by: S | undefined, descending?: boolean) => void;
};

type HeadProps<T, S extends string> = {
  columns: Column<T, S>[];
  rows: T[] | undefined;
  selection: Selection<T> | undefined;
  /** Names the box that chooses all rows shown. */
  selectAll: string;
  /** Absent where nothing can be sorted. */
  sorting?: Sorting<S>;
};

export function Head<T, S extends string>({ columns, rows = [], selection, selectAll, sorting }: HeadProps<T, S>) {
  const chosen = selection ? rows.filter(selection.has).length : 0;
  return (
    <Table.Thead>
      <Table.Tr>
        {selection && (
          <Table.Th w={40}>
            <Checkbox
              size="xs"
              aria-label={selectAll}
              checked={chosen > 0 && chosen === rows.length}
              indeterminate={chosen > 0 && chosen < rows.length}
              onChange={(event) => selection.set(rows, event.currentTarget.checked)}
            />
          </Table.Th>
        )}
        {columns.map((column) => <Header key={column.key} column={column} sorting={sorting} />)}
      </Table.Tr>
    </Table.Thead>
  );
}

function Header<T, S extends string>({ column, sorting }: { column: Column<T, S>; sorting: Sorting<S> | undefined }) {
  const { sort } = column;
  const title = column.title || <VisuallyHidden>Actions</VisuallyHidden>;
  if (!sort || !sorting) return <Table.Th w={column.width}>{title}</Table.Th>;
  const active = sorting.sortedBy === sort;
  const Icon = !active ? IconArrowsSort : sorting.descending ? IconArrowDown : IconArrowUp;
  const descending = active ? !sorting.descending : (column.descendingFirst ?? false);
  return (
    <Table.Th w={column.width} aria-sort={active ? (sorting.descending ? 'descending' : 'ascending') : undefined}>
      <button type="button" className="th-sort" onClick={() => sorting.sortBy(sort, descending)}>
        {title}
        <Icon size={14} aria-hidden opacity={active ? 1 : 0.5} />
      </button>
    </Table.Th>
  );
}

type BodyProps<T, S extends string> = {
  columns: Column<T, S>[];
  /** Undefined while they are being fetched. */
  rows: T[] | undefined;
  /** How many to draw in outline until then. */
  expected: number;
  idOf: (row: T) => string;
  nameOf: (row: T) => string;
  selection: Selection<T> | undefined;
};

export function Body<T, S extends string>({ columns, rows, expected, idOf, nameOf, selection }: BodyProps<T, S>) {
  const span = columns.length + (selection ? 1 : 0);
  if (!rows) return Array.from({ length: expected }, (_, i) => <Table.Tr key={i}><Table.Td colSpan={span}><Skeleton h={18} /></Table.Td></Table.Tr>);
  return rows.map((row) => {
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
  });
}
