import { createMemoryHistory, createRootRoute, createRouter, RouterProvider } from '@tanstack/react-router';
import { act, render, screen } from '@testing-library/react';
import { expect, test } from 'vitest';
import { type List, listSearch, useListSearch } from './list';
import { many, parseSearch, stringifySearch, text } from './search';

const spec = listSearch({ sorts: ['name', 'score'], filters: { search: text, level: many(['low', 'high']) } });

test('the address is read leniently and written as the API reads it', () => {
  const read = (address: string) => spec.validate(parseSearch(address));
  expect(read('?level=high&level=low&search=12&sort=-score')).toEqual({ level: ['low', 'high'], search: '12', sort: '-score' });
  expect(read('?level=huge&search=&sort=age&nonsense=1')).toEqual({});
  expect(stringifySearch({ level: ['low', 'high'], search: 'a b', sort: undefined })).toBe('?level=low&level=high&search=a+b');
});

async function open(address: string) {
  let list: List | undefined;
  function Page() {
    list = useListSearch(spec) as unknown as List;
    return <p>ready</p>;
  }
  const root = createRootRoute({ component: Page });
  const router = createRouter({ routeTree: root, parseSearch, stringifySearch, history: createMemoryHistory({ initialEntries: [address] }) });
  render(<RouterProvider router={router as never} />);
  await screen.findByText('ready');
  const now = () => list as List;
  const address_ = () => router.state.location.searchStr;
  const doing = (what: () => void) => act(async () => {
    what();
    await router.load();
  });
  return { now, address: address_, doing };
}

test('paging forth and back; a new filter or order begins at the first page again', async () => {
  const { now, address, doing } = await open('/?search=x');
  await doing(() => now().next('c2'));
  await doing(() => now().next('c3'));
  expect([address(), now().page]).toEqual(['?search=x&cursor=c3', 3]);
  await doing(() => now().back());
  expect([address(), now().page]).toEqual(['?search=x&cursor=c2', 2]);
  await doing(() => now().back());
  expect([address(), now().onFirstPage]).toEqual(['?search=x', true]);
  await doing(() => now().next('c2'));
  await doing(() => now().setFilters({ level: ['high'] }));
  expect([address(), now().page]).toEqual(['?search=x&level=high', 1]);
  await doing(() => now().sortBy('score', true));
  await doing(() => now().clearFilters());
  expect(address()).toBe('?sort=-score');
});

test('a link into the middle of a list leads back to its first page', async () => {
  const { now, address, doing } = await open('/?cursor=c7');
  expect([now().page, now().onFirstPage]).toEqual([undefined, false]);
  await doing(() => now().next('c8'));
  await doing(() => now().back());
  expect(now().page).toBe(2);
  await doing(() => now().back());
  expect([address(), now().page]).toEqual(['', 1]);
});
