// A short list that is shown whole, within a page of other things. Lists that grow take `DataTable`.
import { Table } from '@mantine/core';
import type { ReactNode } from 'react';
import type { Selection } from './selection';
import { Body, type Column, Head } from './tableParts';

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
  return (
    <div className="table-scroll" style={{ maxHeight: 'none', minHeight: 0 }} tabIndex={0} role="region" aria-label={label}>
      <Table highlightOnHover verticalSpacing={5} aria-busy={!rows}>
        <Head columns={columns} rows={rows} selection={selection} selectAll="Select all" />
        <Table.Tbody><Body columns={columns} rows={rows} expected={3} idOf={idOf} nameOf={nameOf} selection={selection} /></Table.Tbody>
      </Table>
    </div>
  );
}
