// The Messages app on a phone: connected by a link, at a glance, read, offline, pushed to while it is closed, checked again.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser, BrowserContext, BrowserContextOptions, Page } from '@playwright/test';
import { type Client, Phone } from './client';
import { expect, findings, test, watch } from './fixtures';
import { PushService } from './push';

/** A phone's browser with nothing in it. */
async function open(browser: Browser, options: BrowserContextOptions = {}): Promise<BrowserContext> {
  return browser.newContext({
    viewport: { width: 390, height: 844 },
    isMobile: true,
    hasTouch: true,
    storageState: { cookies: [], origins: [] },
    permissions: ['notifications'],
    ...options,
  });
}

async function link(admin: Client, phone: Phone): Promise<string> {
  return (await admin.post(`/api/v1/devices/${phone.id}/messages-link`)).url;
}

/** The app of a new phone, connected, and what its pages complained about. */
async function connected(browser: Browser, admin: Client, { options, person, push }: { options?: BrowserContextOptions; person?: Record<string, string>; push?: PushService } = {}) {
  const phone = await Phone.enroll(admin, person);
  const context = await open(browser, options);
  // This browser cannot reach a push service, so it is given a subscription to the test's own.
  if (push) await context.addInitScript(push.stub, push.subscription);
  const page = await context.newPage();
  const complaints = watch(page, () => admin.url);
  await page.goto(await link(admin, phone));
  await expect(page.locator('h1')).toBeVisible();
  return { phone, context, page, complaints };
}

async function ready(page: Page) {
  await page.evaluate(async () => {
    const { active } = await navigator.serviceWorker.ready;
    if (active?.state !== 'activated') await new Promise((done) => active?.addEventListener('statechange', done, { once: true }));
  });
}

async function tell(admin: Client, phone: Phone, message: string): Promise<() => Promise<string>> {
  await admin.post('/api/v1/device-notifications', { device_ids: [phone.id], message });
  return async () => {
    const { items } = await admin.get(`/api/v1/notifications?device_id=${phone.id}`);
    return items.find((one: { body: string }) => one.body === message)?.state;
  };
}

test('an administrator hands out a link, which connects one phone once', async ({ page: console, browser, admin, url }) => {
  const phone = await Phone.enroll(admin);
  await console.goto(`/devices/${phone.id}`);
  await console.getByRole('button', { name: 'Messages app' }).click();
  await console.getByRole('button', { name: 'Make a link' }).click();
  const shown = console.getByRole('dialog', { name: `Messages app for ${phone.name}` });
  await expect(shown.getByRole('img', { name: /QR code/ })).toBeVisible();
  const address = await shown.getByLabel('Link', { exact: true }).inputValue();
  expect(new URL(address).pathname).toBe('/m/');

  const context = await open(browser);
  const page = await context.newPage();
  const complaints = watch(page, () => url);
  const sent: string[] = [];
  page.on('request', (request) => sent.push(request.url()));
  await page.goto(address);
  await expect(page.getByRole('heading', { level: 1, name: 'All is well' })).toBeVisible();
  await expect(page.getByText(phone.name).first()).toBeVisible();
  expect(page.url()).toBe(`${url}/m/`);
  expect(await page.evaluate(() => history.length)).toBe(2);
  const token = new URL(address).hash.slice(1);
  expect(sent.filter((one) => one.includes(token))).toEqual([]);

  await ready(page);
  const devtools = await context.newCDPSession(page);
  expect((await devtools.send('Page.getAppManifest')).errors).toEqual([]);
  const { installabilityErrors } = await devtools.send('Page.getInstallabilityErrors');
  // Which every browser of a test is.
  expect(installabilityErrors.filter(({ errorId }) => errorId !== 'in-incognito')).toEqual([]);

  const other = await (await open(browser)).newPage();
  await other.goto(address);
  await expect(other.getByRole('heading', { name: 'This link was used already' })).toBeVisible();
  // Into the same page.
  await other.goto(`${url}/m/#${token.slice(0, -3)}AAA`);
  await expect(other.getByRole('heading', { name: 'This link does not work' })).toBeVisible();
  expect(other.url()).toBe(`${url}/m/`);
  await other.reload();
  await expect(other.getByRole('heading', { name: 'This app needs a link' })).toBeVisible();
  // Their own link brings its owner back.
  await page.goto('about:blank');
  await page.goto(address);
  await expect(page.getByRole('heading', { level: 1, name: 'All is well' })).toBeVisible();
  expect(complaints).toEqual([]);
  await context.close();
  await other.context().close();
});

test('a link that never was says so', async ({ browser, url }) => {
  const context = await open(browser, { locale: 'de-AT' });
  const page = await context.newPage();
  await page.goto(`${url}/m/#nonsense`);
  await expect(page.getByRole('heading', { name: 'Dieser Link funktioniert nicht' })).toBeVisible();
  await expect(page.locator('html')).toHaveAttribute('lang', 'de');
  expect(await findings(page)).toEqual([]);
  await context.close();
});

const IN_AN_APP = 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 [Mail]';

test('from another browser of an iPhone it is carried over to Safari', async ({ browser, admin }) => {
  const { phone, context, page, complaints } = await connected(browser, admin, { options: { userAgent: IN_AN_APP, permissions: ['clipboard-read', 'clipboard-write'] } });
  await page.getByRole('button', { name: 'Copy the link for Safari' }).click();
  await expect(page.getByText('Copied.')).toBeVisible();
  const address = await page.evaluate(() => navigator.clipboard.readText());
  const safari = await open(browser);
  const carried = await safari.newPage();
  await carried.goto(address);
  await expect(carried.getByText(phone.name).first()).toBeVisible();
  expect(carried.url()).toBe(`${admin.url}/m/`);
  // As the home screen opens it each time, with a link that was good once.
  await carried.goto('about:blank');
  await carried.goto(address);
  await expect(carried.getByRole('heading', { level: 1, name: 'All is well' })).toBeVisible();

  await page.evaluate(() => {
    navigator.clipboard.write = () => Promise.reject(new Error('not allowed'));
  });
  await page.getByRole('button', { name: 'Copy the link for Safari' }).click();
  await expect(page.getByLabel('Copy this link')).toHaveValue(/\/m\/\?link=/);
  expect(await findings(page)).toEqual([]);
  expect(complaints).toEqual([]);
  await context.close();
  await safari.close();
});

test('from a threat to the all-clear', async ({ browser, admin }) => {
  const { phone, context, page, complaints } = await connected(browser, admin);
  await expect(page.getByRole('heading', { level: 1, name: 'All is well' })).toBeVisible();
  await phone.detect('trojan');
  await phone.obey();
  // By itself, while it is looked at.
  await expect(page.getByRole('heading', { level: 1, name: 'Restricted for now' })).toBeVisible();
  await expect(page.getByRole('region', { name: 'What to do' }).getByRole('listitem').filter({ hasText: 'Trojan' })).toContainText('Urgent');
  await expect(page.getByRole('region', { name: 'What to do' }).locator('ol > li').first()).not.toBeEmpty();
  await expect(page.getByRole('region', { name: 'What is restricted' }).getByRole('listitem').first()).toBeVisible();

  await page.getByRole('button', { name: 'I have fixed it' }).click();
  await expect(page.getByText('Your phone is being checked')).toBeVisible();
  const commands = async () => (await phone.obey()).map((command: { type: string }) => command.type);
  await expect.poll(commands).toContain('check');
  // The phone has answered, but the threat is still there.
  await expect(page.getByText('Checked: 1 thing is still to do.')).toBeVisible();
  await page.getByRole('button', { name: 'I have fixed it' }).click();
  await expect(page.getByText('It was checked a moment ago')).toBeVisible();

  await phone.detect('trojan', 'resolved');
  await expect.poll(commands).toContain('remove_profile');
  await expect(page.getByText('All clear!')).toBeVisible();
  await expect(page.getByRole('heading', { level: 1, name: 'All is well' })).toBeVisible();
  expect(await findings(page)).toEqual([]);
  // It waits for whoever was not looking.
  await page.reload();
  await expect(page.getByText('All clear!')).toBeVisible();
  await page.getByRole('button', { name: 'Good' }).click();
  await expect(page.getByText('All clear!')).toBeHidden();
  await page.reload();
  await expect(page.getByRole('heading', { level: 1, name: 'All is well' })).toBeVisible();
  await expect(page.getByText('All clear!')).toBeHidden();
  expect(complaints).toEqual([]);
  await context.close();
});

test('a message that was looked at is read, and the server knows', async ({ browser, admin }) => {
  const { phone, context, page, complaints } = await connected(browser, admin);
  const state = await tell(admin, phone, 'Please call the help desk.\n\nرقم الهاتف');
  const message = page.getByRole('article').filter({ hasText: 'Please call the help desk.' });
  await message.scrollIntoViewIfNeeded();
  await expect(message.getByText('New')).toBeVisible();
  await expect.poll(state).toBe('read');
  await page.reload();
  await expect(message).toBeAttached();
  await expect(message.getByText('New')).toBeHidden();
  expect(complaints).toEqual([]);
  await context.close();
});

test('a push arrives while the app is closed; it is read without a network and told later', async ({ browser, admin, place }) => {
  const service = await PushService.start();
  const { phone, context, page, complaints } = await connected(browser, admin, { push: service });
  await ready(page);
  await page.getByRole('button', { name: 'Turn on notifications' }).click();
  await expect(page.getByText('Notifications are on.')).toBeVisible();
  const devtools = await context.newCDPSession(await context.newPage());
  const registration = new Promise<string>((found) =>
    devtools.on('ServiceWorker.workerRegistrationUpdated', ({ registrations }) => {
      const own = registrations.find(({ scopeURL }) => scopeURL === `${admin.url}/m/`);
      if (own) found(own.registrationId);
    }),
  );
  await devtools.send('ServiceWorker.enable');
  const registrationId = await registration;
  await page.close();

  const state = await tell(admin, phone, 'Your phone needs an update.');
  const data = await service.next();
  expect(JSON.parse(data)).toMatchObject({ id: expect.any(String), title: expect.any(String), body: expect.any(String), url: expect.any(String) });
  await devtools.send('ServiceWorker.deliverPushMessage', { origin: admin.url, registrationId, data });
  const [worker] = context.serviceWorkers();
  const notifications = () => worker?.evaluate(async () => (await (self as unknown as ServiceWorkerGlobalScope).registration.getNotifications()).map(({ title, body }) => ({ title, body })));
  const { title, body } = JSON.parse(data);
  await expect.poll(notifications).toEqual([{ title, body }]);
  // It was fetched as it arrived.
  await expect.poll(state).toBe('delivered');

  await context.setOffline(true);
  const offline = await context.newPage();
  await offline.goto(`${place.server.url}/m/`);
  await expect(offline.getByText('No connection. Shown as of today')).toBeVisible();
  const message = offline.getByRole('article').filter({ hasText: 'Your phone needs an update.' });
  await message.scrollIntoViewIfNeeded();
  await expect(message).toHaveAttribute('data-read', 'true');
  expect(await state()).toBe('delivered');
  await context.setOffline(false);
  await expect.poll(state).toBe('read');
  await expect(offline.getByText('No connection.')).toBeHidden();

  await offline.getByRole('button', { name: 'Turn off' }).click();
  await expect(offline.getByText('Notifications are off.')).toBeVisible();
  expect(complaints).toEqual([]);
  await context.close();
  await service.stop();
});

test('a new build takes the place of the old one while nobody looks', async ({ browser, url }) => {
  let next = false;
  const server = createServer(async (request, response) => {
    const answer = await fetch(url + request.url);
    let body = Buffer.from(await answer.arrayBuffer());
    if (next && request.url === '/m/sw.js') body = Buffer.from(body.toString().replace(/shell-/g, 'shell-next-'));
    if (next && request.url === '/m/') body = Buffer.from(body.toString().replace('<head>', '<head><meta name="build" content="next">'));
    response.writeHead(answer.status, { 'Content-Type': answer.headers.get('Content-Type') ?? '', 'Cache-Control': answer.headers.get('Cache-Control') ?? '' });
    response.end(body);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/m/`;
  const context = await open(browser);
  const page = await context.newPage();
  await page.goto(address);
  await ready(page);
  next = true;
  const taken = page.evaluate(() => new Promise<void>((done) => navigator.serviceWorker.addEventListener('controllerchange', () => done(), { once: true })));
  await page.evaluate(async () => void (await (await navigator.serviceWorker.ready).update()));
  await taken;
  const build = page.locator('meta[name=build]');
  // Not under the eyes of its reader.
  await expect(build).toHaveCount(0);
  await page.evaluate(() => {
    Object.defineProperty(document, 'visibilityState', { value: 'hidden' });
    document.dispatchEvent(new Event('visibilitychange'));
  });
  await expect(build).toHaveCount(1);
  expect(await page.evaluate(() => caches.keys())).toEqual([expect.stringMatching(/^shell-next-/)]);
  await context.close();
  server.closeAllConnections();
  server.close();
});

test('in the language of its user, in both schemes, with large text on a small phone', async ({ browser, admin }) => {
  const { phone, context, page, complaints } = await connected(browser, admin, { person: { locale: 'de-DE' }, options: { viewport: { width: 320, height: 640 } } });
  await phone.detect('trojan');
  await phone.obey();
  await tell(admin, phone, 'Bitte melden Sie sich beim Helpdesk.');
  await expect(page.getByRole('heading', { level: 1 })).toContainText('Zurzeit');
  await expect(page.getByRole('article')).toBeVisible();
  for (const size of ['100%', '200%']) {
    // As a browser's own text size does.
    await page.evaluate((size) => (document.documentElement.style.fontSize = size), size);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(320);
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      expect(await findings(page)).toEqual([]);
    }
  }
  await page.getByRole('combobox', { name: 'Sprache' }).selectOption('en');
  await expect(page.getByRole('heading', { level: 1, name: 'Restricted for now' })).toBeVisible();
  await expect(page.locator('html')).toHaveAttribute('lang', 'en');
  expect(complaints).toEqual([]);
  await context.close();
});

test('a phone that is no longer enrolled is told so, and nothing stays on it', async ({ browser, admin }) => {
  const { phone, context, page } = await connected(browser, admin);
  await admin.post(`/api/v1/devices/${phone.id}/unenroll`);
  await expect(page.getByRole('heading', { name: 'This phone is no longer looked after' })).toBeVisible();
  await context.setOffline(true);
  await page.reload();
  await expect(page.getByRole('heading', { name: 'No connection' })).toBeVisible();
  await expect(page.getByText(phone.name)).toBeHidden();
  await context.close();
});
