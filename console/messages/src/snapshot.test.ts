import { afterEach, expect, test, vi } from 'vitest';
import { Refused, Unreachable } from './api';
import type { OwnMessage } from '../../src/api/types.gen';
import { inMemory, type Kept } from './kept';
import { flush, markRead, merge, older, refresh } from './snapshot';
import { message, Server, state } from './testing';

afterEach(() => vi.unstubAllGlobals());

async function kept(server: Server): Promise<Kept> {
  const made = inMemory();
  await refresh(made, () => 1000);
  server.calls.length = 0;
  return made;
}

test('what was read without a network is told once there is one, each once', async () => {
  const server = new Server([message('b'), message('a')]);
  const shelf = await kept(server);
  server.down = true;
  await markRead(shelf, 'a', new Date(5000));
  await markRead(shelf, 'a', new Date(6000));
  await markRead(shelf, 'b', new Date(7000));
  await expect(flush(shelf)).rejects.toThrow(Unreachable);
  const offline = await shelf.get('snapshot');
  expect(offline?.state.unread).toBe(0);
  expect(offline?.messages.map((one) => one.read_at)).toEqual([new Date(7000).toISOString(), new Date(5000).toISOString()]);

  server.down = false;
  server.calls.length = 0;
  await flush(shelf);
  expect(server.calls).toEqual(['POST messages/a/read', 'POST messages/b/read']);
  expect(await shelf.get('reads')).toEqual([]);
  expect(server.messages.every((one) => one.read_at)).toBe(true);
});

test('a message that is gone does not stand in the way of the others', async () => {
  const server = new Server([message('a')]);
  const shelf = await kept(server);
  await markRead(shelf, 'gone', new Date(0));
  await markRead(shelf, 'a', new Date(0));
  await flush(shelf);
  expect(await shelf.get('reads')).toEqual([]);
  expect(server.messages[0]?.read_at).not.toBeNull();
});

test('being refused altogether loses nothing', async () => {
  const server = new Server([message('a')]);
  const shelf = await kept(server);
  await markRead(shelf, 'a', new Date(0));
  server.status = 429;
  await expect(flush(shelf)).rejects.toThrow(Refused);
  expect(await shelf.get('reads')).toEqual(['a']);
});

test('what has not changed is not fetched again, but is newer', async () => {
  const server = new Server([message('a')]);
  const shelf = await kept(server);
  const snapshot = await refresh(shelf, () => 2000);
  expect(server.calls).toEqual(['GET state']);
  expect(snapshot.at).toBe(2000);
  expect(snapshot.messages).toHaveLength(1);
});

test('another language is asked for anew', async () => {
  const server = new Server([message('a')]);
  const shelf = await kept(server);
  await shelf.update('language', () => 'de');
  await refresh(shelf, () => 2000);
  expect(server.calls).toEqual(['GET state language=de', 'GET messages']);
});

test('what is kept stays when the server cannot be reached or talks nonsense', async () => {
  const server = new Server([message('a')]);
  const shelf = await kept(server);
  const before = await shelf.get('snapshot');
  server.down = true;
  await expect(refresh(shelf, () => 9000)).rejects.toThrow(Unreachable);
  server.down = false;
  server.state = state({ unread: 7 });
  server.garbled = true;
  await expect(refresh(shelf, () => 9000)).rejects.toThrow(Unreachable);
  expect(await shelf.get('snapshot')).toEqual(before);
});

test('what is read while an answer is under way stays read', async () => {
  const server = new Server([message('a')]);
  const shelf = await kept(server);
  server.state = state({ unread: 1, risk_level: 'low' });
  server.before = async (call) => {
    if (call === 'GET messages') await markRead(shelf, 'a', new Date(0));
  };
  const snapshot = await refresh(shelf, () => 2000);
  expect(snapshot.messages[0]?.read_at).not.toBeNull();
  expect(snapshot.state.unread).toBe(0);
  expect(await shelf.get('reads')).toEqual(['a']);
});

test('older pages stay while nothing can be missing between them and the newest', () => {
  const ids = (snapshot: { messages: OwnMessage[] }) => snapshot.messages.map((one) => one.id).join('');
  const old = { messages: ['d', 'c', 'b', 'a'].map((id) => message(id)), next_cursor: null };
  const joined = merge(old, { items: [message('e'), message('d')], next_cursor: 'x' });
  expect([ids(joined), joined.next_cursor]).toEqual(['edcba', null]);
  const apart = merge(old, { items: [message('g'), message('f')], next_cursor: 'x' });
  expect([ids(apart), apart.next_cursor]).toEqual(['gf', 'x']);
  const whole = merge(old, { items: [message('a')], next_cursor: null });
  expect([ids(whole), whole.next_cursor]).toEqual(['a', null]);
});

test('older messages are fetched on from the last', async () => {
  const server = new Server(['c', 'b', 'a'].map((id) => message(id)));
  server.page = 2;
  const shelf = await kept(server);
  expect((await older(shelf))?.messages.map((one) => one.id)).toEqual(['c', 'b', 'a']);
  expect(await older(shelf)).toBeUndefined();
});
