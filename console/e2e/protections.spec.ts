// A change of Protections shows its effect first, is applied with progress and can be undone.
import { Phone } from './client';
import { expect, test } from './fixtures';

const KIND = 'usb_debugging';

test('change a row with preview, and undo it', async ({ page, admin }) => {
  const row = await admin.get(`/api/v1/classifications/${KIND}`);
  const phone = await Phone.enroll(admin);
  await phone.detect(KIND);
  const risk = async () => (await admin.get(`/api/v1/devices/${phone.id}`)).risk_level;
  const before = await risk();
  expect(before).not.toBe('high');
  await page.goto(`/protections?row=${KIND}`);
  const dialog = page.getByRole('dialog', { name: row.name });
  await dialog.getByRole('combobox', { name: 'Risk level' }).click();
  await page.getByRole('option', { name: 'High' }).click();
  await expect(dialog.getByRole('status')).toContainText('with such a threat open');
  await expect(dialog.getByText(phone.name)).toBeVisible();
  expect(await risk()).toBe(before);
  await dialog.getByRole('button', { name: 'Apply' }).click();
  await expect(page.getByText('All devices concerned are re-evaluated')).toBeVisible();
  await expect.poll(risk).toBe('high');
  await page.getByRole('button', { name: 'Undo' }).click();
  await expect.poll(risk).toBe(before);
});
