// What a test starts from: a server with the risk response set up, an administrator signed in, and a page that tells of
// every error and of every request that leaves the server.
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { type BrowserContext, expect, type Page, request, test as base } from '@playwright/test';
import { Client, unique } from './client';
import { Server } from './server';

export { expect };

/** A password that is good enough. */
export const PASSWORD = 'correct horse battery';

/** A server that is set up, and who is signed in. */
export interface Place {
  server: Server;
  admin: Client;
  /** The cookies of a browser in which the first administrator is signed in. */
  session: Awaited<ReturnType<BrowserContext['storageState']>>;
}

/** Signs in on the page shown. */
export async function signIn(page: Page, name: string, password = PASSWORD): Promise<void> {
  await page.getByRole('textbox', { name: 'User name or mail address' }).fill(name);
  await page.getByRole('textbox', { name: 'Password' }).fill(password);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
}

/** What the page complained about: errors of scripts and of the content security policy, requests elsewhere. */
export function watch(page: Page, origin: () => string): string[] {
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(`error: ${error.message}`));
  page.on('console', (message) => {
    if (/Content Security Policy|Refused to/i.test(message.text())) complaints.push(`policy: ${message.text()}`);
  });
  page.on('request', (request) => {
    const url = new URL(request.url());
    if (!['data:', 'blob:'].includes(url.protocol) && url.origin !== origin()) complaints.push(`elsewhere: ${request.url()}`);
  });
  return complaints;
}

/** The runner gives a context the cookies of the test's own pages otherwise, and signing in with those ends that session. */
const NOBODY = { storageState: { cookies: [], origins: [] } };

/** Signs an administrator in without the pages; what a browser then carries. */
export async function session(url: string, user_name: string, password = PASSWORD): Promise<Place['session']> {
  const context = await request.newContext({ ...NOBODY, baseURL: url, extraHTTPHeaders: { Origin: url } });
  expect((await context.post('/api/v1/session', { data: { user_name, password } })).status()).toBe(200);
  const state = await context.storageState();
  await context.dispose();
  return state;
}

export async function redeem(link: string, who: Record<string, string> = {}): Promise<void> {
  const { origin, hash } = new URL(link);
  const context = await request.newContext({ ...NOBODY, baseURL: origin });
  const answer = await context.post('/api/v1/links/redeem', { data: { token: hash.slice(1), password: PASSWORD, ...who } });
  expect(answer.ok(), await answer.text()).toBe(true);
  await context.dispose();
}

/** An administrator of a role, ready to sign in. */
export async function administrator(admin: Client, role: string): Promise<{ id: string; user_name: string }> {
  const { items } = await admin.get('/api/v1/organization-groups');
  const customer = items.find((group: { kind: string }) => group.kind === 'customer');
  const made = await admin.post('/api/v1/admins', { user_name: unique('admin'), name: 'Some Body', role, organization_group_id: customer.id });
  await redeem(made.link.url);
  return made;
}

async function place(): Promise<Place> {
  const server = await Server.start();
  await redeem(await server.link, { user_name: 'ada', name: 'Ada Admin' });
  const token = await server.command('token', 'create', '--role', 'administrator', '--name', unique('e2e'));
  const admin = new Client(server.url, token);
  await admin.post('/api/v1/quickstart/risk-response');
  return { server, admin, session: await session(server.url, 'ada') };
}

export const test = base.extend<{ url: string; admin: Client; empty: Server }, { place: Place }>({
  place: [
    async ({}, use) => {
      const made = await place();
      await use(made);
      await made.server.stop();
    },
    { scope: 'worker', timeout: 120_000 },
  ],
  /** A server nobody has set up yet, for this test alone. */
  // The runner wants to see what a fixture needs, also when that is nothing.
  empty: async ({}, use) => {
    const server = await Server.start();
    await use(server);
    await server.stop();
  },
  url: async ({ place }, use) => use(place.server.url),
  admin: async ({ place }, use) => use(place.admin),
  baseURL: async ({ place }, use) => use(place.server.url),
  storageState: async ({ place }, use) => use(place.session),
  page: async ({ page, place }, use) => {
    const complaints = watch(page, () => place.server.url);
    await use(page);
    expect(complaints).toEqual([]);
  },
});

const axe = readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** The serious and critical findings of axe-core on the page as it is. */
export async function findings(page: Page): Promise<string[]> {
  await page.evaluate(await axe);
  const found = await page.evaluate(() =>
    // @ts-expect-error axe was put there a line ago
    axe.run(document, { resultTypes: ['violations'] }),
  );
  return found.violations
    .filter((one: { impact: string }) => ['serious', 'critical'].includes(one.impact))
    .map((one: { id: string; nodes: { target: string[]; failureSummary: string }[] }) =>
      `${one.id}: ${one.nodes.map((node) => `${node.target.join(' ')} (${node.failureSummary})`).join('; ')}`,
    );
}
