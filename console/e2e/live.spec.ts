// The live stream through a loss of the network and a crash of the server: nothing is missed.
import { Client, Phone } from './client';
import { expect, redeem, session, test } from './fixtures';

test('a loss of the network is shown, and what happened meanwhile is told', async ({ page, context, admin }) => {
  const phone = await Phone.enroll(admin);
  await page.goto('/threats');
  const badge = page.getByRole('banner').getByRole('status');
  await expect(badge).toContainText('Live');
  const refresh = page.getByRole('button', { name: /refresh/ });
  await expect(async () => {
    await phone.detect('adware');
    await expect(refresh).toBeVisible({ timeout: 3_000 });
  }).toPass();
  await refresh.click();
  await expect(refresh).toHaveCount(0);

  await context.setOffline(true);
  await expect(badge).toContainText('Reconnecting');
  await phone.detect('trojan');
  await context.setOffline(false);
  await expect(badge).toContainText('Live');
  await refresh.click();
  await expect(page.getByRole('row').filter({ hasText: phone.name }).filter({ hasText: 'Trojan' })).toBeVisible();
});

test('the stream comes back and tells what happened meanwhile', async ({ browser, empty: server }) => {
  await redeem(await server.link, { user_name: 'ada', name: 'Ada Admin' });
  const admin = new Client(server.url, await server.command('token', 'create', '--role', 'administrator', '--name', 'e2e'));
  const phone = await Phone.enroll(admin);
  const context = await browser.newContext({ baseURL: server.url, storageState: await session(server.url, 'ada') });
  const page = await context.newPage();
  await page.goto('/threats');
  const badge = page.getByRole('banner').getByRole('status');
  await expect(badge).toContainText('Live');

  await server.kill();
  await expect(badge).toContainText('Reconnecting');
  await server.run();
  await expect(badge).toContainText('Live', { timeout: 60_000 });
  await phone.detect('trojan');
  await page.getByRole('button', { name: /refresh/ }).click();
  await expect(page.getByRole('link', { name: phone.name })).toBeVisible();
  await context.close();
});
