// Takes the pictures of docs/console.md from the demo, in both colour schemes: node scripts/screenshots.mjs [DIRECTORY].
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium, expect } from '@playwright/test';
import { CHROMIUM, startDemo } from './demo.mjs';

const DIRECTORY = resolve(process.argv[2] ?? fileURLToPath(new URL('../../docs/screenshots', import.meta.url)));
const LARGE = { width: 1440, height: 900 };
const SMALL = { width: 390, height: 844 };
// All pictures together: they are part of every clone.
const BUDGET = 2_500_000;

/** What there is to see: where, what is done there first, and at which sizes. */
async function shots(api) {
  const first = async (path, fits = () => true) => {
    const found = (await api(path)).items.find(fits);
    if (!found) throw new Error(`the demo has nothing for ${path}`);
    return found;
  };
  const user = await first('/api/v1/users?sort=-score&limit=20', ({ email, phone }) => email && phone);
  const device = await first('/api/v1/devices?risk_level=high&platform=android&enrollment_status=enrolled&sort=-score');
  const group = await first('/api/v1/smart-groups?limit=500', ({ name }) => name === 'MTD High Risk');
  const profile = await first('/api/v1/profiles?limit=500', ({ name }) => name === 'MTD High Risk Android');
  return [
    { name: 'dashboard', path: '/', small: true },
    { name: 'users', path: '/risk/users?sort=-score', small: true },
    {
      name: 'send-notification',
      path: `/risk/users/${user.id}`,
      async act(page) {
        await page.getByRole('button', { name: 'Notify', exact: true }).click();
        const dialog = page.getByRole('dialog', { name: 'Send Notification' });
        await dialog.getByRole('switch', { name: 'Email' }).click();
        await dialog.getByRole('switch', { name: 'SMS' }).click();
      },
    },
    { name: 'devices', path: '/devices?sort=-score' },
    { name: 'device-why', path: `/devices/${device.id}?tab=why` },
    { name: 'threats', path: '/threats?status=open' },
    {
      name: 'protections',
      path: '/protections?row=no_passcode',
      async act(page) {
        const dialog = page.getByRole('dialog');
        await dialog.getByRole('combobox', { name: 'Risk level' }).click();
        await page.getByRole('option', { name: 'High' }).click();
        await dialog.getByText('with such a threat open').first().waitFor();
      },
    },
    { name: 'smart-group', path: `/smart-groups/${group.id}` },
    {
      name: 'profile',
      path: `/profiles/${profile.id}?tab=payloads`,
      act: (page) => page.getByRole('button', { name: /^Restrictions/ }).click(),
    },
    { name: 'settings', path: '/settings' },
    { name: 'audit', path: '/audit' },
  ];
}

/** Waits until nothing on the page is being fetched or drawn any more. */
async function settled(page) {
  await page.getByRole('heading', { level: 1 }).waitFor();
  await expect(page.locator('[aria-busy="true"], .mantine-Skeleton-root')).toHaveCount(0, { timeout: 30_000 });
  await page.getByRole('status').filter({ hasText: 'Live' }).first().waitFor({ state: 'attached' });
  await page.waitForLoadState('load');
  await page.evaluate(() => document.fonts.ready);
  // Charts are drawn once their place has been measured.
  await page.waitForTimeout(500);
}

async function take(page, shot, file) {
  await page.goto(shot.path);
  await settled(page);
  await shot.act?.(page);
  await settled(page);
  // The browser's own WebP: a third of the size of a PNG, without another program.
  const session = await page.context().newCDPSession(page);
  const { data } = await session.send('Page.captureScreenshot', { format: 'webp', quality: 80 });
  await session.detach();
  const bytes = Buffer.from(data, 'base64');
  await writeFile(resolve(DIRECTORY, file), bytes);
  console.log(`${String(Math.round(bytes.length / 1000)).padStart(5)} kB  ${file}`);
  return bytes.length;
}

const demo = await startDemo();
let bytes = 0;
try {
  const [name, value] = (await demo.signIn()).split('=');
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'] });
  const todo = await shots(demo.api);
  await mkdir(DIRECTORY, { recursive: true });
  for (const old of await readdir(DIRECTORY)) if (old.endsWith('.webp')) await rm(resolve(DIRECTORY, old));
  for (const colorScheme of ['light', 'dark']) {
    for (const [viewport, size] of [[LARGE, ''], [SMALL, '-phone']]) {
      const context = await browser.newContext({
        baseURL: demo.url, viewport, colorScheme, locale: 'en-GB', timezoneId: 'UTC', reducedMotion: 'reduce',
        ...(viewport === SMALL && { isMobile: true, hasTouch: true }),
      });
      await context.addCookies([{ name, value, url: demo.url }]);
      const page = await context.newPage();
      for (const shot of todo) {
        if (viewport === LARGE || shot.small) bytes += await take(page, shot, `${shot.name}${size}-${colorScheme}.webp`);
      }
      await context.close();
    }
  }
  await browser.close();
} finally {
  await demo.stop();
}
console.log(`${(bytes / 1e6).toFixed(2)} MB of ${BUDGET / 1e6} in ${DIRECTORY}`);
if (bytes > BUDGET) process.exitCode = 1;
