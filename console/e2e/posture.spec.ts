// A rule set in the settings makes a threat of what a phone reports, until the phone is right.
import { Phone } from './client';
import { expect, test } from './fixtures';

test('a minimum version of the operating system, and a profile as devices get it', async ({ page, admin }) => {
  const before = await admin.get('/api/v1/settings');
  const phone = await Phone.enroll(admin, {}, { platform: 'ios', manufacturer: 'Apple', model: 'iPhone 12', os_version: '16.1' });
  await page.goto('/settings');
  const rule = page.getByRole('textbox', { name: 'iOS at least' });
  await rule.fill('soon');
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(rule).toHaveAttribute('aria-invalid', 'true');
  await rule.fill('16.5');
  await expect(page.getByText('Saving re-evaluates all devices.')).toBeVisible();
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByText('Settings saved')).toBeVisible();
  const threats = async () => (await admin.get(`/api/v1/devices/${phone.id}`)).open_threats.map(({ classification }: { classification: string }) => classification);
  await expect.poll(threats).toEqual(['out_of_date_os']);
  await phone.reports({ os_version: '17.0', passcode_present: false });
  await expect.poll(threats).toEqual(['no_passcode']);
  await page.goto(`/devices/${phone.id}`);
  await expect(page.getByRole('region', { name: 'Security state' })).toContainText('Passcode setNo');

  // The rule decides whether it is there, so nobody resolves it by hand.
  await page.getByRole('region', { name: 'Open threats' }).getByRole('link', { name: /passcode/i }).click();
  await expect(page.getByText(/cannot be resolved by hand/)).toBeVisible();
  await expect(page.getByRole('button', { name: /^Ignore/ })).toBeVisible();
  await expect(page.getByRole('button', { name: /^Resolve/ })).toHaveCount(0);

  const { items } = await admin.get('/api/v1/profiles?platform=ios');
  await page.goto(`/profiles/${items[0].id}`);
  const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Download configuration profile' }).click()]);
  expect(file.suggestedFilename()).toBe(`${items[0].name}.mobileconfig`);
  // The server is other tests' as well.
  const { version } = await admin.get('/api/v1/settings');
  expect((await admin.call('PUT', '/api/v1/settings', { settings: before.settings, version })).status).toBe(200);
});
