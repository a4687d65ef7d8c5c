import { MantineProvider } from '@mantine/core';
import { render, screen, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, test } from 'vitest';
import { useState } from 'react';
import { DataTable } from './DataTable';
import { useSelection } from './selection';
import { EmptyState } from './states';

type Row = { id: string; name: string };
const PAGES: Row[][] = [[{ id: '1', name: 'Ada' }, { id: '2', name: 'Ben' }], [{ id: '3', name: 'Cem' }]];
const idOf = (row: Row) => row.id;

function People({ pages = PAGES, error = null, filtered = false }: { pages?: Row[][]; error?: unknown; filtered?: boolean }) {
  const [page, setPage] = useState(0);
  const [sort, setSort] = useState<{ by?: 'name'; descending: boolean }>({ descending: false });
  const selection = useSelection(idOf);
  return (
    <MantineProvider env="test">
      <DataTable<Row, 'name'>
        label="People"
        list={{
          filtered, clearFilters: () => {}, sortedBy: sort.by, descending: sort.descending, page: page + 1, onFirstPage: page === 0,
          sortBy: (by, descending = false) => setSort({ by, descending }),
          next: (cursor) => setPage(Number(cursor)), back: () => setPage(page - 1),
        }}
        query={{ data: error ? undefined : { items: pages[page] ?? [], next_cursor: page + 1 < pages.length ? String(page + 1) : null }, error, isFetching: false, refetch: () => {} }}
        columns={[{ key: 'name', title: 'Name', sort: 'name', render: (row) => row.name }]}
        idOf={idOf}
        nameOf={(row) => row.name}
        selection={selection}
        empty={<EmptyState title="Nobody yet" />}
      />
    </MantineProvider>
  );
}

test('a header sorts, turns the order round, and says so to screen readers', async () => {
  const user = userEvent.setup();
  render(<People />);
  const header = screen.getByRole('columnheader', { name: 'Name' });
  expect(header.getAttribute('aria-sort')).toBeNull();
  await user.click(within(header).getByRole('button'));
  expect(header.getAttribute('aria-sort')).toBe('ascending');
  await user.click(within(header).getByRole('button'));
  expect(header.getAttribute('aria-sort')).toBe('descending');
});

test('rows stay selected from page to page', async () => {
  const user = userEvent.setup();
  render(<People />);
  expect(screen.getByRole<HTMLButtonElement>('button', { name: 'Back' }).disabled).toBe(true);
  await user.click(screen.getByRole('checkbox', { name: 'Select Ben' }));
  await user.click(screen.getByRole('button', { name: 'Next' }));
  expect(screen.queryByText('Ben')).toBeNull();
  expect(screen.getByRole<HTMLButtonElement>('button', { name: 'Next' }).disabled).toBe(true);
  await user.click(screen.getByRole('checkbox', { name: 'Select all on this page' }));
  expect(screen.getByRole('status').textContent).toBe('Page 2 · 1 row · 2 selected');
  await user.click(screen.getByRole('button', { name: 'Back' }));
  expect(screen.getByRole<HTMLInputElement>('checkbox', { name: 'Select Ben' }).checked).toBe(true);
  expect(screen.getByRole<HTMLInputElement>('checkbox', { name: 'Select Ada' }).checked).toBe(false);
});

test('tells empty because new from empty because filtered, and shows what the server said went wrong', () => {
  const { rerender } = render(<People pages={[[]]} />);
  expect(screen.getByText('Nobody yet')).toBeTruthy();
  rerender(<People pages={[[]]} filtered />);
  expect(screen.getByRole('button', { name: 'Clear filters' })).toBeTruthy();
  rerender(<People error={{ type: '/problems/x', title: 'Too busy', status: 503, detail: 'Try later.', instance: 'req-1' }} />);
  expect(screen.getByRole('alert').textContent).toMatch(/Too busy.*Try later\..*Retry.*req-1/);
});
