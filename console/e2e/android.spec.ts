// Android devices are managed by Google: set up, signed up, a phone enrolled by its code and told to do something.
import { Client, unique } from './client';
import { expect, findings, redeem, session, test } from './fixtures';
import { Google } from './google';

test('from the key of a service account to a locked phone', async ({ browser, empty }) => {
  test.setTimeout(240_000);
  const google = await Google.start();
  await redeem(await empty.link, { user_name: 'ada', name: 'Ada Admin' });
  const admin = new Client(empty.url, await empty.command('token', 'create', '--role', 'administrator', '--name', unique('e2e')));
  await admin.post('/api/v1/quickstart/risk-response');
  const context = await browser.newContext({ baseURL: empty.url, storageState: await session(empty.url, 'ada') });
  const page = await context.newPage();
  try {
    await page.goto('/settings/android');
    await expect(page.getByRole('alert')).toContainText('Not set up');
    await page.getByLabel('Key of the service account: file').setInputFiles({ name: 'key.json', mimeType: 'application/json', buffer: Buffer.from(google.account.service_account) });
    await page.getByLabel('Topic').fill('android');
    await page.getByRole('button', { name: 'Save' }).click();
    await expect(page.getByLabel('Topic')).toHaveAttribute('aria-invalid', 'true');
    await page.getByLabel('Topic').fill(google.account.topic);
    await page.getByLabel('Subscription').fill(google.account.subscription);
    await page.getByLabel('Android Management API').fill(google.url);
    await page.getByLabel('Pub/Sub', { exact: true }).fill(google.url);
    await page.getByRole('button', { name: 'Save' }).click();
    await expect(page.getByText('One step is left: sign up')).toBeVisible();
    expect(await findings(page)).toEqual([]);

    await page.getByRole('button', { name: 'Sign up with Google' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Begin' }).click();
    const link = page.getByRole('link', { name: 'Open Google’s page' });
    // As a person at Google would: it leads back to the server.
    expect((await fetch((await link.getAttribute('href')) ?? '')).status).toBe(200);
    await expect(page.getByText('Signed up: Android devices can enroll')).toBeVisible();
    await expect(page.getByText('Connected', { exact: true })).toBeVisible();
    await page.getByRole('button', { name: 'Check', exact: true }).click();
    await expect(page.getByText('Works', { exact: true })).toBeVisible();

    const user = await admin.post('/api/v1/users', { user_name: unique('grace') });
    await page.goto('/enrollment');
    await page.getByRole('button', { name: 'Enroll a device' }).first().click();
    await page.getByRole('combobox', { name: 'User' }).fill(user.user_name);
    await page.getByRole('option', { name: user.user_name }).click();
    await page.getByRole('button', { name: 'Make token' }).click();
    const dialog = page.getByRole('dialog', { name: `Enroll a device for ${user.user_name}` });
    await dialog.getByText('By Google’s management').click();
    await dialog.getByRole('radio', { name: /^Fully managed/ }).check();
    await dialog.getByRole('button', { name: 'Make a code' }).click();
    await expect(dialog.getByRole('img', { name: /^QR code/ })).toBeVisible();
    const token = await dialog.getByRole('textbox', { name: 'Code to type' }).inputValue();
    await google.order('enroll', { token, serial: unique('SN'), ownership: 'COMPANY_OWNED' });
    const enrolled = async () => (await admin.get('/api/v1/devices?enrollment_status=enrolled')).items.at(0);
    await expect.poll(enrolled).toBeDefined();
    const device = await enrolled();

    await page.goto(`/devices/${device.id}?tab=commands`);
    await page.getByRole('button', { name: 'Give a command' }).click();
    await page.getByRole('menuitem', { name: /^Lock screen/ }).click();
    const form = page.getByRole('dialog', { name: `Lock screen: ${device.friendly_name}` });
    await expect(form.getByRole('textbox', { name: 'Message' })).toHaveCount(0);
    await form.getByRole('button', { name: 'Lock screen' }).click();
    await expect(page.getByRole('region', { name: 'Commands' }).getByRole('row').filter({ hasText: 'Lock screen' })).toContainText('Acknowledged');
    await page.goto(`/devices/${device.id}`);
    await expect(page.getByRole('region', { name: 'Policy' })).toContainText('The profiles want nothing different.');
    expect(await findings(page)).toEqual([]);
    expect(google.violations).toEqual([]);
  } finally {
    await context.close();
    google.stop();
  }
});
