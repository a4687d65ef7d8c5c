// What a role does not allow is not shown, and refused all the same.
import { Phone } from './client';
import { administrator, expect, session, test } from './fixtures';

test('without the right to notify there is no Notify anywhere', async ({ browser, admin, url }) => {
  const phone = await Phone.enroll(admin, { email: 'grace@example.com' });
  await phone.detect('trojan');
  const { user_name } = await administrator(admin, 'help_desk');
  const context = await browser.newContext({ baseURL: url, storageState: await session(url, user_name) });
  const page = await context.newPage();
  const groups = (await admin.get('/api/v1/organization-groups')).items;
  const customer = groups.find(({ kind }: { kind: string }) => kind === 'customer');
  await page.goto('/');
  // Without the right to the audit as well.
  await expect(page.getByRole('banner').getByRole('status')).toContainText('Live');
  await expect(page.getByRole('button', { name: `Organization group: ${customer.name}`, exact: true })).toHaveText(customer.name);
  for (const path of ['/?users=top_risky_users', '/risk/users', `/risk/users/${phone.user.id}`, `/users/${phone.user.id}`, `/devices/${phone.id}`]) {
    await page.goto(path);
    await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
    await expect(page.locator('[aria-busy="true"], .mantine-Skeleton-root')).toHaveCount(0);
    await expect(page.getByRole('button', { name: /^Notify/ })).toHaveCount(0);
    for (const menu of await page.getByRole('button', { name: /^Actions for/ }).all()) {
      await menu.click();
      await expect(page.getByRole('menuitem', { name: 'Summary View' })).toBeVisible();
      await expect(page.getByRole('menuitem', { name: 'Notify' })).toHaveCount(0);
      await page.keyboard.press('Escape');
    }
  }
  const status = await page.evaluate(
    async (path) => (await fetch(path, { method: 'POST', headers: { 'Content-Type': 'application/json', 'Idempotency-Key': crypto.randomUUID() }, body: '{"channels":["email"]}' })).status,
    `/api/v1/users/${phone.user.id}/notify`,
  );
  expect(status).toBe(403);
  await context.close();
});

test('who may only look finds nothing to change', async ({ browser, admin, url }) => {
  const { user_name } = await administrator(admin, 'read_only');
  const context = await browser.newContext({ baseURL: url, storageState: await session(url, user_name) });
  const page = await context.newPage();
  const { items } = await admin.get('/api/v1/profiles');
  for (const path of ['/smart-groups', '/profiles', `/profiles/${items[0].id}`, '/tags', '/users', '/protections?row=trojan']) {
    await page.goto(path);
    await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
    await expect(page.locator('[aria-busy="true"], .mantine-Skeleton-root')).toHaveCount(0);
    await expect(page.getByRole('button', { name: /^(New|Save|Delete|Retire|Apply|Create)/ })).toHaveCount(0);
  }
  await expect(page.getByRole('link', { name: 'API tokens' })).toHaveCount(0);
  await context.close();
});
