// From an empty server to the first enforced threat and its all-clear, with nothing but the console and a phone.
import { Client, Phone } from './client';
import { expect, PASSWORD, signIn, test, watch } from './fixtures';

test('first start to first enforced threat', async ({ browser, empty: server }) => {
  const context = await browser.newContext({ baseURL: server.url, storageState: { cookies: [], origins: [] } });
  const page = await context.newPage();
  const complaints = watch(page, () => server.url);

  await page.goto('/');
  await expect(page).toHaveURL(/\/sign-in/);
  await page.goto(await server.link);
  await page.getByRole('textbox', { name: 'User name' }).fill('ada');
  await page.getByRole('textbox', { name: 'Your name' }).fill('Ada Admin');
  await page.getByRole('textbox', { name: 'Password' }).fill(PASSWORD);
  await page.getByRole('textbox', { name: 'The same again' }).fill(PASSWORD);
  await page.getByRole('button', { name: 'Continue' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Security Dashboard' })).toBeVisible();

  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Getting started' }).click();
  await page.getByRole('button', { name: 'Set up the risk response', exact: true }).click();
  await page.getByRole('button', { name: 'Set it up' }).click();
  const made = page.getByRole('dialog', { name: 'The risk response is set up' });
  await made.getByRole('button', { name: 'Close', exact: true }).last().click();

  // The phone enrolls as its owner would, with a code made by an administrator.
  const admin = new Client(server.url, await server.command('token', 'create', '--role', 'administrator', '--name', 'e2e'));
  const phone = await Phone.enroll(admin, { display_name: 'Grace Hopper' });
  await page.goto(`/start?step=watch&device=${phone.id}`);
  await page.getByRole('button', { name: 'Send a test detection' }).click();
  const happened = page.getByRole('list', { name: 'What happened' });
  await expect(happened).toContainText('Trojan');
  const installed = await phone.obey();
  expect(installed.map((command: { type: string }) => command.type)).toContain('install_profile');
  await expect(happened.getByRole('listitem').filter({ hasText: 'In force' }).getByLabel('done')).toBeVisible();

  await page.getByRole('link', { name: /Open the device/ }).click();
  await expect(page.getByRole('heading', { level: 1, name: phone.name })).toBeVisible();
  await expect(page.getByText('MTD High Risk Android').first()).toBeVisible();
  await page.getByRole('tab', { name: 'Why' }).click();
  await expect(page.getByText(/decides the risk level/)).toBeVisible();
  await expect(page.getByText(/should be on the device/)).toBeVisible();

  await page.goto(`/start?step=watch&device=${phone.id}`);
  await page.getByRole('button', { name: 'Say that it is gone' }).click();
  await expect.poll(async () => (await phone.obey()).map((command: { type: string }) => command.type)).toContain('remove_profile');
  const after = await admin.get(`/api/v1/devices/${phone.id}`);
  expect(after.risk_level).toBe('none');
  expect(after.tags).not.toContain('MTD - High Risk');

  await page.getByRole('button', { name: 'Account: Ada Admin' }).click();
  await page.getByRole('menuitem', { name: 'Sign out' }).click();
  await expect(page).toHaveURL(/\/sign-in/);
  await signIn(page, 'ada');
  await expect(page.getByRole('navigation', { name: 'Main' })).toBeVisible();
  expect(complaints).toEqual([]);
  await context.close();
});
