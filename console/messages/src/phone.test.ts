import { afterEach, expect, test, vi } from 'vitest';
import { inMemory } from './kept';
import { Phone } from './phone';
import { issue, message, Server, state } from './testing';

afterEach(() => vi.unstubAllGlobals());

const NOW = Date.parse('2026-11-22T10:30:05Z');
const made = (kept = inMemory()) => new Phone(kept, ['en-GB'], () => NOW);
const trouble = (phone: Phone) => (typeof phone.view.page === 'object' ? phone.view.page.trouble : phone.view.page);
const link = (token: string, fresh = true) => ({ token, fresh });

test('a link connects the phone', async () => {
  const server = new Server([message('a')]);
  server.signedIn = false;
  server.links.good = [200, ''];
  const phone = made();
  await phone.start(link('good'));
  expect(phone.view.page).toBe('ready');
  expect(phone.view.snapshot?.messages).toHaveLength(1);
});

test.each([
  ['used', 409, 'link-used'],
  ['expired', 410, 'link-expired'],
  ['unknown', 404, 'not-found'],
  ['unknown', 422, 'invalid'],
  ['busy', 429, 'too-many-requests'],
  ['unreachable', 503, 'unavailable'],
  ['unenrolled', 403, 'unenrolled'],
])('a link that does not work says why: %s', async (expected, status, kind) => {
  const server = new Server();
  server.signedIn = false;
  server.links.bad = [status, kind];
  const phone = made();
  await phone.start(link('bad'));
  expect(trouble(phone)).toBe(expected);
});

test('a link that could not be sent can be tried again', async () => {
  const server = new Server();
  server.signedIn = false;
  server.links.good = [200, ''];
  server.down = true;
  const phone = made();
  await phone.start(link('good'));
  expect(trouble(phone)).toBe('unreachable');
  server.down = false;
  if (typeof phone.view.page === 'object') phone.view.page.again?.();
  await vi.waitFor(() => expect(phone.view.page).toBe('ready'));
});

test('with nothing kept and no network it says so, and goes on by itself', async () => {
  const server = new Server();
  server.down = true;
  const phone = made();
  await phone.start();
  expect(trouble(phone)).toBe('offline');
  server.down = false;
  await phone.refresh();
  expect(phone.view.page).toBe('ready');
});

test('who opens their own link again sees their phone', async () => {
  const server = new Server();
  server.links.mine = [409, 'link-used'];
  const phone = made();
  await phone.start(link('mine'));
  expect(phone.view.page).toBe('ready');
});

test('another link replaces what was kept of the phone before', async () => {
  const server = new Server([message('a')]);
  server.links.good = [200, ''];
  const kept = inMemory();
  await made(kept).start();
  await kept.update('reads', () => ['a']);
  server.messages = [];
  await made(kept).start(link('good'));
  expect(server.calls.filter((call) => call.includes('read'))).toEqual([]);
  expect((await kept.get('snapshot'))?.messages).toEqual([]);
});

test('the home screen spends its link only without a session', async () => {
  const server = new Server();
  server.links.home = [200, ''];
  await made().start(link('home', false));
  expect(server.calls).not.toContain('POST enroll');
  server.signedIn = false;
  const phone = made();
  await phone.start(link('home', false));
  expect(phone.view.page).toBe('ready');
  server.signedIn = false;
  server.links.home = [409, 'link-used'];
  const later = made();
  await later.start(link('home', false));
  expect(trouble(later)).toBe('ended');
});

test('without a link, and when the session has ended, it says so and keeps nothing', async () => {
  const server = new Server([message('a')]);
  const kept = inMemory();
  await made(kept).start();
  server.signedIn = false;
  const phone = made(kept);
  await phone.start();
  expect(trouble(phone)).toBe('ended');
  expect(await kept.get('snapshot')).toBeUndefined();
  const other = made();
  await other.start();
  expect(trouble(other)).toBe('none');
});

test('without a network it shows what it has', async () => {
  const server = new Server([message('a')]);
  const kept = inMemory();
  await made(kept).start();
  server.down = true;
  const phone = made(kept);
  await phone.start();
  expect([phone.view.page, phone.view.online, phone.view.snapshot?.messages.length]).toEqual(['ready', false, 1]);
  server.down = false;
  await phone.refresh();
  expect(phone.view.online).toBe(true);
});

test('reading is told later if it must be', async () => {
  const server = new Server([message('a')]);
  const later = vi.fn();
  const phone = new Phone(inMemory(), ['en'], () => NOW, later);
  await phone.start();
  server.down = true;
  await phone.read('a');
  expect(later).toHaveBeenCalledOnce();
  expect(phone.view.snapshot?.state.unread).toBe(0);
  server.down = false;
  await phone.refresh();
  expect(server.messages[0]?.read_at).not.toBeNull();
});

test('a check is asked for, waited for, and ends in the all-clear, which stays until it was seen', async () => {
  const server = new Server();
  server.state = state({ issues: [issue('i')], restrictions: ['Work mail'] });
  const kept = inMemory();
  const phone = made(kept);
  await phone.start();
  expect(phone.checking).toBe('none');
  await phone.check();
  expect([phone.view.asking, phone.checking]).toEqual(['asked', 'waiting']);
  server.state = state({ restrictions: ['Work mail'], check_requested_at: '2026-11-22T10:30:00Z', checked_at: '2026-11-22T10:30:03Z' });
  await phone.refresh();
  expect([phone.checking, phone.view.allClear]).toEqual(['done', false]);
  server.state = { ...server.state, restrictions: [] };
  await phone.refresh();
  expect(phone.view.allClear).toBe(true);
  const next = made(kept);
  await next.start();
  expect(next.view.allClear).toBe(true);
  await next.thanks();
  await next.refresh();
  expect(next.view.allClear).toBe(false);
});

test('a phone that never had an issue gets no all-clear', async () => {
  new Server();
  const kept = inMemory();
  await made(kept).start();
  const phone = made(kept);
  await phone.start();
  expect(phone.view.allClear).toBe(false);
});

test('a phone that cannot check itself is not waited for', async () => {
  const server = new Server();
  server.cannotCheck = true;
  const phone = made();
  await phone.start();
  await phone.check();
  expect([phone.view.asking, phone.checking]).toEqual(['asked', 'none']);
});

test('a check asked for too soon says when', async () => {
  const server = new Server();
  const phone = made();
  await phone.start();
  server.status = 429;
  await phone.check();
  expect(phone.view.asking).toEqual({ soon: 42 });
  server.status = undefined;
  server.down = true;
  await phone.check();
  expect(phone.view.asking).toBe('failed');
});

test('a change that comes while another is fetched is not missed', async () => {
  const server = new Server();
  const phone = made();
  await phone.start();
  let second: Promise<boolean> | undefined;
  server.state = state({ risk_level: 'low' });
  server.before = async (call) => {
    if (call === 'GET messages' && !second) {
      server.state = state({ risk_level: 'high' });
      second = phone.refresh();
    }
  };
  await phone.refresh();
  expect(phone.view.snapshot?.state.risk_level).toBe('high');
});

test('the language chosen goes before the organisation’s, and that before the phone’s', async () => {
  const server = new Server();
  const kept = inMemory();
  const phone = made(kept);
  expect(phone.view.language).toBe('en');
  server.state = state({ language: 'de' });
  await phone.start();
  expect(phone.view.language).toBe('de');
  await phone.choose('en');
  expect([phone.view.language, await kept.get('language')]).toEqual(['en', 'en']);
  expect(server.calls).toContain('GET state language=en');
  await phone.choose(undefined);
  expect(phone.view.language).toBe('de');
});
