// A session that was ended elsewhere leads to the sign-in, and back to where one was.
import { administrator, expect, session, signIn, test } from './fixtures';

test('a session ended elsewhere', async ({ browser, admin, url }) => {
  const { user_name } = await administrator(admin, 'administrator_level_2');
  const context = await browser.newContext({ baseURL: url, storageState: await session(url, user_name) });
  const page = await context.newPage();
  await page.goto('/tags');
  await expect(page.getByRole('heading', { level: 1, name: 'Tags' })).toBeVisible();
  const elsewhere = await browser.newContext({ baseURL: url, storageState: await session(url, user_name) });
  const ended = await elsewhere.request.delete('/api/v1/sessions', { headers: { Origin: url } });
  expect(ended.ok(), await ended.text()).toBe(true);
  // Nobody touches the page: its live stream is cut, and is refused when it is asked for again.
  await expect(page).toHaveURL(/\/sign-in/, { timeout: 60_000 });
  await signIn(page, user_name);
  await expect(page.getByRole('navigation', { name: 'Main' })).toBeVisible();
  await expect(page).toHaveURL(/\/tags/);
  await elsewhere.close();
  await context.close();
});

test('change the own name and mail address', async ({ browser, admin, url }) => {
  const { user_name } = await administrator(admin, 'read_only');
  const context = await browser.newContext({ baseURL: url, storageState: await session(url, user_name) });
  const page = await context.newPage();
  await page.goto('/account');
  await page.getByRole('button', { name: 'Change name or mail address' }).click();
  const dialog = page.getByRole('dialog', { name: 'Change name or mail address' });
  await dialog.getByRole('textbox', { name: 'Your name' }).fill('Mary Somerville');
  await dialog.getByRole('textbox', { name: 'Mail address' }).fill(`${user_name}@example.com`);
  await dialog.getByRole('button', { name: 'Change', exact: true }).click();
  await expect(page.getByText('Your account is changed')).toBeVisible();
  await expect(page.getByText(`${user_name}@example.com`)).toBeVisible();
  await expect(page.getByRole('button', { name: 'Account: Mary Somerville' })).toBeVisible();
  await context.close();
});

test('a wrong password says so, and nothing of whether the name is known', async ({ browser, url }) => {
  const context = await browser.newContext({ baseURL: url, storageState: { cookies: [], origins: [] } });
  const page = await context.newPage();
  const said: (string | null)[] = [];
  for (const name of ['ada', 'nobody at all']) {
    await page.goto('/sign-in');
    await signIn(page, name, 'not the password');
    said.push(await page.getByRole('alert').locator('p').first().textContent());
  }
  expect(said[0]).toBe(said[1]);
  await context.close();
});
