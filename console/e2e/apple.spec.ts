// Apple's management is set up: a push certificate is requested, uploaded and watched, and another authority trusted.
import { readFile } from 'node:fs/promises';
import { administrator, expect, findings, session, test as base } from './fixtures';
import { TOPIC, Workshop } from './iphone';

const test = base.extend<{ workshop: Workshop }>({
  // The runner wants to see what a fixture needs, also when that is nothing.
  workshop: async ({}, use) => {
    const workshop = await Workshop.open();
    await workshop.authority();
    await use(workshop);
    await workshop.close();
  },
});

const pem = (name: string, text: string) => ({ name, mimeType: 'application/x-pem-file', buffer: Buffer.from(text) });

test('a push certificate is requested, uploaded, watched and renewed', async ({ page, admin, workshop }) => {
  await page.goto('/settings/apple');
  await expect(page.getByRole('alert')).toContainText('no Apple device can enroll');
  await page.getByRole('button', { name: 'Request a push certificate' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Make a request' }).click();
  const made = page.getByRole('dialog', { name: 'Request for a push certificate' });
  const [file] = await Promise.all([page.waitForEvent('download'), made.getByRole('button', { name: 'Download request' }).click()]);
  const request = await readFile(await file.path(), 'utf8');
  expect(request).toContain('BEGIN CERTIFICATE REQUEST');
  await made.getByRole('button', { name: 'Done' }).click();
  await expect(page.getByText(/was requested and has not been uploaded/)).toBeVisible();

  // Apple's certificate for it, but soon over.
  await page.getByLabel('Certificate: file').setInputFiles(pem('push.pem', await workshop.push(request, TOPIC, 10)));
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByText('Apple devices saved')).toBeVisible();
  await expect(page.getByRole('alert').filter({ hasText: 'ends soon' })).toBeVisible();
  await expect(page.getByText(TOPIC, { exact: true })).toBeVisible();
  await expect(page.getByRole('button', { name: 'Download its certificate' })).toBeVisible();
  // Of the same key and topic: renewed.
  await page.getByLabel('Next certificate: file').setInputFiles(pem('push.pem', await workshop.push(request)));
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByText('ends soon')).toHaveCount(0);
  await expect(page.getByText('The topic has changed')).toHaveCount(0);
  expect(await findings(page)).toEqual([]);
  await page.getByLabel('Next certificate: file').setInputFiles(pem('push.pem', await workshop.push(request, `${TOPIC}.other`)));
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByText('The topic has changed')).toBeVisible();

  await page.getByRole('button', { name: 'Remove', exact: true }).click();
  const asking = page.getByRole('dialog', { name: 'Remove the push certificate' });
  await asking.getByRole('textbox').fill(`${TOPIC}.other`);
  await asking.getByRole('button', { name: 'Remove certificate' }).click();
  await expect(page.getByText('Push certificate removed')).toBeVisible();
  expect((await admin.get('/api/v1/apple-mdm')).push_certificate).toBeNull();
});

test('certificates of devices by another authority, older algorithms, and what the management may do', async ({ page, admin, workshop }) => {
  await page.goto('/settings/apple');
  await page.getByText('By another authority').click();
  await page.getByLabel('Address (SCEP)').fill('https://ca.example.com/scep');
  await page.getByLabel('Password (challenge)').fill('secret');
  await page.getByRole('button', { name: 'Save' }).click();
  // It has to be trusted.
  await expect(page.getByLabel('Address (SCEP)')).toHaveAttribute('aria-invalid', 'true');
  await page.getByRole('button', { name: 'Add an authority' }).click();
  const certificate = page.getByRole('group', { name: 'Trusted authorities' }).getByRole('textbox').last();
  await certificate.fill('not a certificate');
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(certificate).toHaveAttribute('aria-invalid', 'true');
  await certificate.fill(await workshop.read('authority.pem'));
  await page.getByRole('switch', { name: /Let enrolling devices use SHA-1/ }).check();
  await page.getByRole('checkbox', { name: 'Erase the device' }).uncheck();
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByText('Apple devices saved')).toBeVisible();
  const saved = await admin.get('/api/v1/apple-mdm');
  expect(saved).toMatchObject({ scep_url: 'https://ca.example.com/scep', scep_challenge_set: true, legacy_enrollment: true, sha1_signatures: false, access_rights: 8191 - 8 });
  await expect(page.getByText(/CN=Test authority/).last()).toBeVisible();
  await page.getByText('Issued here').click();
  await page.getByRole('switch', { name: /Let enrolling devices use SHA-1/ }).uncheck();
  await page.getByRole('checkbox', { name: 'Erase the device' }).check();
  await page.getByRole('button', { name: 'Save' }).click();
  await expect.poll(async () => (await admin.get('/api/v1/apple-mdm')).scep_challenge_set).toBe(false);
});

test('who may not change settings sees how Apple devices are managed, and cannot change it', async ({ browser, admin, url }) => {
  const { user_name } = await administrator(admin, 'read_only');
  const context = await browser.newContext({ baseURL: url, storageState: await session(url, user_name) });
  const page = await context.newPage();
  await page.goto('/settings/apple');
  await expect(page.getByRole('switch', { name: /Let enrolling devices use SHA-1/ })).toBeDisabled();
  await expect(page.getByRole('button', { name: /^(Save|Request|Remove|Add)/ })).toHaveCount(0);
  await context.close();
});
