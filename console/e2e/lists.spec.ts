// Lists of what administrators set up: the server filters them, and the address holds what was asked.
import { Phone, unique } from './client';
import { expect, test } from './fixtures';

test('filter by name, by choice and by time', async ({ page, admin }) => {
  const tag = unique('Tag');
  await admin.post('/api/v1/tags', { name: tag });
  const lists: [path: string, region: string, typed: string, row: string][] = [
    ['/tags', 'Tags', tag, tag],
    ['/smart-groups', 'Smart groups', 'high mtd', 'MTD High Risk'],
    ['/profiles', 'Profiles', 'medium ios', 'MTD Medium Risk iOS'],
    ['/protections', 'Protections', 'no passcode', 'No Passcode'],
    ['/roles', 'Roles', 'help', 'Help desk'],
    ['/admins', 'Administrators', 'ada', 'Ada Admin'],
    ['/api-tokens', 'API tokens', 'e2e', 'e2e'],
  ];
  for (const [path, region, typed, row] of lists) {
    await test.step(path, async () => {
      await page.goto(path);
      const rows = page.getByRole('region', { name: region, exact: true }).locator('tbody tr');
      await expect(rows.first()).toBeVisible();
      const answer = page.waitForResponse((response) => new URL(response.url()).searchParams.get('q') === typed);
      await page.getByRole('searchbox', { name: 'Search' }).fill(typed);
      expect((await answer).status()).toBe(200);
      await expect(page).toHaveURL(/[?&]q=/);
      await expect(rows.first()).toContainText(row, { ignoreCase: true });
      await page.getByRole('searchbox', { name: 'Search' }).fill('nothing is called this');
      await expect(page.getByText('Nothing matches these filters')).toBeVisible();
    });
  }

  await page.goto('/tags');
  await page.getByRole('combobox', { name: 'Set by' }).click();
  await page.getByRole('option', { name: 'People' }).click();
  await expect(page.getByRole('row').filter({ hasText: tag })).toBeVisible();
  await expect(page.getByRole('row').filter({ hasText: 'MTD - High Risk' })).toHaveCount(0);

  const phone = await Phone.enroll(admin);
  await phone.detect('trojan');
  await page.goto(`/threats?device_id=${phone.id}`);
  const found = page.getByRole('region', { name: 'Threats', exact: true }).getByRole('link', { name: phone.name });
  await expect(found).toBeVisible();
  await page.getByRole('button', { name: 'More filters' }).click();
  await page.getByLabel('Changed before').fill('2020-02-29T12:00');
  await page.getByLabel('Changed before').press('Enter');
  await expect(page).toHaveURL(/until=2020-02-29T12%3A00%3A00/);
  await expect(found).toHaveCount(0);
});
