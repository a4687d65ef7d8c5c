// A change of Protections shows its effect first, is applied with progress and can be undone; its texts can be in any language.
import { Phone } from './client';
import { expect, findings, test } from './fixtures';

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

test('say in a third language what a kind of threat is called, and take it away again', async ({ page, admin }) => {
  const polish = async () => {
    const { texts } = await admin.get('/api/v1/classifications/adware');
    return texts.find(({ language }: { language: string }) => language === 'pl');
  };
  await page.goto('/protections?row=adware&tab=texts');
  const dialog = page.getByRole('dialog');
  const name = dialog.getByRole('textbox', { name: 'Name' });
  const english = await name.inputValue();
  await dialog.getByRole('textbox', { name: 'Another language' }).fill('pl');
  await dialog.getByRole('button', { name: 'Write it' }).click();
  await expect(page).toHaveURL(/language=pl/);
  await expect(name).toHaveValue(english);
  await name.fill('Oprogramowanie reklamowe');
  await dialog.getByRole('textbox', { name: 'What to do' }).fill('Odinstaluj tę aplikację.');
  await dialog.getByRole('button', { name: 'Save text' }).click();
  await expect(page.getByText('Text in Polish (pl) saved')).toBeVisible();
  expect(await polish()).toMatchObject({ name: 'Oprogramowanie reklamowe', user_text: 'Odinstaluj tę aplikację.', changed: true, shipped: false });
  await page.reload();
  await expect(name).toHaveValue('Oprogramowanie reklamowe');
  expect(await findings(page)).toEqual([]);
  await dialog.getByRole('button', { name: 'Take away' }).click();
  await expect(page.getByText('Text in Polish (pl) taken away')).toBeVisible();
  expect(await polish()).toBeUndefined();
});
