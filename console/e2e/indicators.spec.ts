// A set of indicators handed in finds an app on a phone; with the set the threat goes again.
import { type Client, Phone, unique } from './client';
import { administrator, expect, findings, session, test } from './fixtures';

const yaml = (name: string, app: string) => `- name: ${name}\n  type: stalkerware\n  packages:\n  - ${app}\n`;
const file = (name: string, text: string) => ({ name, mimeType: 'application/yaml', buffer: Buffer.from(text) });

/** The server's id of the set of this name, unless there is none. */
async function setOf(admin: Client, name: string): Promise<string | undefined> {
  const { items } = await admin.get(`/api/v1/indicator-sets?q=${name}`);
  return items.at(0)?.id;
}

test('a set uploaded finds an app on a phone, and once it is deleted all is clear', async ({ page, admin }) => {
  const phone = await Phone.enroll(admin);
  const [set, software, app] = [unique('Stalkerware'), unique('Nosy'), unique('com.example.nosy')];
  await page.goto('/indicators');
  await page.getByRole('button', { name: 'Add indicators' }).first().click();
  const adding = page.getByRole('dialog', { name: 'Add indicators' });
  await adding.getByRole('textbox', { name: 'Name' }).fill(set);

  // What is no set leaves none behind, and the form as it is.
  await adding.locator('input[type="file"]').setInputFiles(file('wrong.yaml', 'not: a list\n'));
  await adding.getByRole('button', { name: 'Add', exact: true }).click();
  await expect(adding.getByText(/neither a STIX bundle nor a list/)).toBeVisible();
  expect(await setOf(admin, set)).toBeUndefined();
  await adding.locator('input[type="file"]').setInputFiles(file('list.yaml', yaml(software, app)));
  await adding.getByRole('button', { name: 'Add', exact: true }).click();
  const row = page.getByRole('region', { name: 'Indicator sets' }).getByRole('row').filter({ hasText: set });
  await expect(row).toContainText('In force');
  await row.getByRole('link', { name: `1 indicator of ${set}` }).click();
  await expect(page.getByRole('region', { name: 'Indicators' }).getByRole('row').filter({ hasText: app })).toContainText(software);

  await phone.reports({ apps: [{ identifier: app, name: 'Family Photos', version: '1.0', source: 'sideloaded' }, { identifier: 'org.example.chess', name: 'Chess' }] });
  await expect.poll(async () => (await admin.get(`/api/v1/devices/${phone.id}`)).risk_level).not.toBe('none');
  await page.goto(`/devices/${phone.id}?tab=apps`);
  const apps = page.getByRole('region', { name: 'Apps' });
  await expect(apps.getByRole('row').filter({ hasText: 'Chess' })).toContainText('–');
  expect(await findings(page)).toEqual([]);
  const found = apps.getByRole('row').filter({ hasText: 'Family Photos' });
  await expect(found).toContainText(software);
  await found.getByRole('link').first().click();
  await expect(page).toHaveURL(/\/threats\//);
  const evidence = page.getByRole('region', { name: 'Evidence' });
  await expect(evidence.getByRole('link', { name: software })).toBeVisible();
  await expect(evidence).toContainText(set);
  await expect(evidence).toContainText('Family Photos');

  await page.goto(`/indicators?q=${set}`);
  await page.getByRole('button', { name: `Delete ${set}` }).click();
  const asking = page.getByRole('dialog', { name: `Delete ${set}` });
  await asking.getByRole('textbox').fill(set);
  await asking.getByRole('button', { name: 'Delete set' }).click();
  await expect(page.getByText(`${set} deleted`)).toBeVisible();
  await expect.poll(async () => (await admin.get(`/api/v1/devices/${phone.id}`)).open_threats.length).toBe(0);
  expect((await admin.get(`/api/v1/devices/${phone.id}`)).risk_level).toBe('none');
  await page.goto(`/devices/${phone.id}`);
  await expect(page.getByRole('region', { name: 'Open threats' })).toContainText('None.');
});

test('who may only look sees the sets and cannot change them', async ({ browser, admin, url }) => {
  const name = unique('Shown');
  await admin.post('/api/v1/indicator-sets', { name });
  const { user_name } = await administrator(admin, 'read_only');
  const context = await browser.newContext({ baseURL: url, storageState: await session(url, user_name) });
  const page = await context.newPage();
  await page.goto(`/indicators?q=${name}`);
  await expect(page.getByRole('region', { name: 'Indicator sets' }).getByRole('row').filter({ hasText: name })).toContainText('Empty');
  await expect(page.getByRole('button', { name: /^(Add|Upload|Edit|Delete|Refresh)/ })).toHaveCount(0);
  await context.close();
});
