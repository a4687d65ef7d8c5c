// Messages without a channel, templates that say what is sent, and what the server finds wrong with a channel.
import { generateKeyPairSync } from 'node:crypto';
import type { Page } from '@playwright/test';
import { type Client, Phone, unique } from './client';
import { administrator, expect, findings, session, test } from './fixtures';

async function atRisk(admin: Client) {
  const phone = await Phone.enroll(admin, { display_name: unique('Grace Hopper'), email: 'grace@example.com' });
  await phone.detect('trojan');
  return phone;
}

async function notifyByMail(page: Page, user: string) {
  await page.goto(`/risk/users/${user}`);
  await page.getByRole('button', { name: 'Notify', exact: true }).click();
  const window = page.getByRole('dialog', { name: 'Send Notification' });
  await window.getByRole('switch', { name: 'Email' }).check();
  await window.getByRole('tab', { name: 'Preview' }).click();
  await expect(mailIn(window)).toContainText('Grace Hopper');
  await window.getByRole('button', { name: 'Send notification' }).click();
  await window.getByRole('link', { name: /All notifications/ }).click();
}

const mailIn = (place: Pick<Page, 'frameLocator'>) => place.frameLocator('iframe[title="The mail’s page"]').locator('body');

test('with nothing set up a message is captured, and the log shows it as it would have been sent', async ({ page, admin }) => {
  await page.goto('/settings/channels/email');
  await expect(page.getByRole('alert')).toContainText('captured, not sent');
  const phone = await atRisk(admin);
  await notifyByMail(page, phone.user.id);
  await expect(page.getByRole('region', { name: 'Notifications' }).getByText('Captured, not sent')).toBeVisible();
  await page.getByRole('button', { name: /\(to Grace Hopper/ }).click();
  const details = page.getByRole('dialog', { name: 'Notification' });
  await expect(details.getByText('None: the channel was not set up.')).toBeVisible();
  const mail = mailIn(details);
  await expect(mail).toContainText('Grace Hopper');
  // The mail's own looks are there although the page's policy takes no style attributes.
  await expect(mail.locator('h1')).toHaveCSS('font-size', '20px');
  expect(await findings(page)).toEqual([]);
});

test('a changed template shows in its preview and in the next message, until it is reset', async ({ page, admin }) => {
  const phone = await atRisk(admin);
  const words = unique('Please call us');
  await page.goto('/settings/templates?trigger=notify&channel=email');
  await page.getByRole('link', { name: 'Notify, Email, en' }).click();
  const text = page.getByRole('textbox', { name: 'Text', exact: true });
  await expect(text).not.toHaveValue('');
  await text.fill(`${words}, {% if %}`);
  await expect(page.getByRole('region', { name: 'Preview' })).toContainText('line 1');
  await text.fill(`${words}, `);
  await page.getByRole('button', { name: 'user.name: insert' }).click();
  await expect(text).toHaveValue(`${words}, {{ user.name }}`);
  await expect(mailIn(page)).toContainText(words);
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByText('Template saved')).toBeVisible();
  await notifyByMail(page, phone.user.id);
  await page.getByRole('button', { name: /\(to Grace Hopper/ }).first().click();
  await expect(mailIn(page.getByRole('dialog', { name: 'Notification' }))).toContainText(`${words}, Grace Hopper`);
  await page.goto('/settings/templates/notify/email/en');
  await page.getByRole('button', { name: 'Reset' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Reset' }).click();
  await expect(text).not.toHaveValue(new RegExp(words));
});

test('what is wrong with a channel is said at its field', async ({ page }) => {
  await page.goto('/settings/channels/email');
  await page.getByRole('switch', { name: /Send every mail/ }).check();
  await page.getByLabel('Host').fill('not a host');
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByLabel('Host')).toHaveAttribute('aria-invalid', 'true');
  await expect(page.getByLabel('Host')).toHaveValue('not a host');
  await expect(page.getByRole('button', { name: 'Send test' })).toBeDisabled();
});

test('Apple’s push service is set up; its key is kept and never shown again', async ({ page, admin }) => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256', privateKeyEncoding: { type: 'pkcs8', format: 'pem' }, publicKeyEncoding: { type: 'spki', format: 'pem' } });
  const phone = await Phone.enroll(admin, {}, { platform: 'ios', manufacturer: 'Apple', model: 'iPhone 16', os_version: '18.1' });
  await page.goto('/settings/channels');
  await page.getByRole('region', { name: 'Channels' }).getByRole('link', { name: 'Apple push' }).click();
  await expect(page.getByRole('alert')).toContainText('agents are not told');
  await page.getByRole('switch', { name: /Tell agents on iPhones/ }).check();
  await page.getByLabel('Private key: file').setInputFiles({ name: 'AuthKey_ABC123DEFG.p8', mimeType: 'application/octet-stream', buffer: Buffer.from(privateKey) });
  await page.getByLabel('Key id').fill('ABC123DEFG');
  await page.getByLabel('Team id').fill('DEF123');
  await page.getByLabel('Bundle id').fill('com.example.agent');
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByLabel('Team id')).toHaveAttribute('aria-invalid', 'true');
  await page.getByLabel('Team id').fill('DEF123GHIJ');
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByText('Apple push saved')).toBeVisible();

  await page.reload();
  const key = page.getByRole('textbox', { name: 'Private key' });
  await expect(key).toHaveValue('');
  await expect(page.getByText(/^Set\. Leave it empty to keep it/)).toBeVisible();
  const secret = privateKey.split('\n')[1] ?? '';
  expect(secret.length).toBeGreaterThan(20);
  expect(JSON.stringify(await admin.get('/api/v1/channels/apns'))).not.toContain(secret);
  // Saved without a key, the one that is there stays.
  await page.getByLabel('Bundle id').fill('com.example.other');
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByText('Apple push saved')).toBeVisible();
  expect(await admin.get('/api/v1/channels/apns')).toMatchObject({ topic: 'com.example.other', private_key_set: true });

  await page.getByRole('combobox', { name: 'To this device' }).fill(phone.name);
  await page.getByRole('option', { name: phone.name }).click();
  await page.getByRole('button', { name: 'Send test' }).click();
  await expect(page.getByText(/has not said where this push service reaches it/)).toBeVisible();
  expect(await findings(page)).toEqual([]);
});

test('a role that may not change settings sees them and cannot change them', async ({ admin, url, browser }) => {
  const made = await administrator(admin, 'read_only');
  const context = await browser.newContext({ baseURL: url, storageState: await session(url, made.user_name) });
  const page = await context.newPage();
  await page.goto('/settings/channels/email');
  await expect(page.getByLabel('Host')).toBeDisabled();
  await expect(page.getByRole('button', { name: 'Save' })).toHaveCount(0);
  await expect(page.getByRole('button', { name: 'Send test' })).toHaveCount(0);
  await page.goto('/settings/templates/notify/sms/en');
  await expect(page.getByLabel('Text')).toHaveAttribute('readonly', '');
  await expect(page.getByRole('button', { name: 'Save' })).toHaveCount(0);
  await page.goto('/notifications?state=failed');
  await expect(page.getByRole('button', { name: 'Send all again' })).toHaveCount(0);
  await context.close();
});
