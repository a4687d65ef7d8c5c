// A short list that is shown whole, within a page of other things. Lists that grow take `DataTable`.
import { Checkbox, Skeleton, Table, VisuallyHidden } from '@mantine/core';
import type { ReactNode } from 'react';
import type { Column } from './DataTable';
import type { Selection } from './selection';

type Props<T> = {
  /** Names the list for screen readers. */
  label: string;
  /** Undefined while they are being fetched. */
  rows: T[] | undefined;
  columns: Pick<Column<T>, 'key' | 'title' | 'render' | 'width'>[];
  idOf: (row: T) => string;
  nameOf?: (row: T) => string;
  selection?: Selection<T>;
  /** Shown when there is nothing: what that means. */
  empty: ReactNode;
};

export function ShortTable<T>({ label, rows, columns, idOf, nameOf = idOf, selection, empty }: Props<T>) {
  if (rows?.length === 0) return empty;
  const chosen = rows && selection ? rows.filter(selection.has).length : 0;
  return (
    <div className="table-scroll" style={{ maxHeight: 'none', minHeight: 0 }} tabIndex={0} role="region" aria-label={label}>
      <Table highlightOnHover verticalSpacing={5} aria-busy={!rows}>
        <Table.Thead>
          <Table.Tr>
            {selection && (
              <Table.Th w={40}>
                <Checkbox
                  size="xs"
                  aria-label="Select all"
                  checked={chosen > 0 && chosen === rows?.length}
                  indeterminate={chosen > 0 && chosen < (rows?.length ?? 0)}
                  onChange={(event) => selection.set(rows ?? [], event.currentTarget.checked)}
                />
              </Table.Th>
            )}
            {columns.map(({ key, title, width }) => <Table.Th key={key} w={width}>{title || <VisuallyHidden>Actions</VisuallyHidden>}</Table.Th>)}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {rows?.map((row) => (
            <Table.Tr key={idOf(row)} bg={selection?.has(row) ? 'var(--mantine-color-blue-light)' : undefined}>
              {selection && (
                <Table.Td>
                  <Checkbox size="xs" aria-label={`Select ${nameOf(row)}`} checked={selection.has(row)} onChange={(event) => selection.set([row], event.currentTarget.checked)} />
                </Table.Td>
              )}
              {columns.map(({ key, render }) => <Table.Td key={key}>{render(row)}</Table.Td>)}
            </Table.Tr>
          ))}
          {!rows && [0, 1, 2].map((at) => <Table.Tr key={at}><Table.Td colSpan={columns.length + (selection ? 1 : 0)}><Skeleton h={18} /></Table.Td></Table.Tr>)}
        </Table.Tbody>
      </Table>
    </div>
  );
}
