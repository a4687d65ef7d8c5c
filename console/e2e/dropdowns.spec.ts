// Lists that open, longer than their place: all of it can be reached by keyboard, and axe-core finds nothing serious.
import { unique } from './client';
import { expect, findings, test } from './fixtures';

test('long dropdowns', async ({ page, admin }) => {
  test.setTimeout(300_000);
  for (let i = 0; i < 12; i += 1) await admin.post('/api/v1/tags', { name: unique('Tag') });
  const threat = async () => {
    await page.getByRole('button', { name: 'More filters' }).click();
    await page.getByRole('combobox', { name: 'Classification' }).click();
  };
  const places: [path: string, open: () => Promise<void>][] = [
    ['/threats', threat],
    ['/threats', () => page.getByRole('button', { name: 'More filters' }).click()],
    ['/devices', async () => {
      await page.getByRole('button', { name: 'More filters' }).click();
      await page.getByRole('combobox', { name: 'Profile status' }).click();
    }],
    ['/smart-groups/new', () => page.getByRole('combobox', { name: 'Tags' }).click()],
    ['/audit', () => page.getByRole('combobox', { name: 'Change' }).click()],
    ['/', () => page.getByRole('button', { name: /^Organization group: / }).click()],
    ['/', () => page.getByRole('button', { name: /^Account: / }).click()],
    ['/', () => page.keyboard.press('Control+k')],
  ];
  for (const [path, open] of places) {
    await page.goto(path);
    await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
    await expect(page.locator('[aria-busy="true"], .mantine-Skeleton-root')).toHaveCount(0);
    await open();
    await expect(page.locator('[role="listbox"], [role="menu"], [role="dialog"], [role="tree"]').filter({ visible: true }).first()).toBeVisible();
    expect(await findings(page), path).toEqual([]);
  }
});
