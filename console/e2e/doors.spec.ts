// The numbers of the Security Dashboard lead to lists with as many rows.
import { Phone } from './client';
import { expect, test } from './fixtures';

const NUMBERS: [link: RegExp, table: string][] = [
  [/^\d+ users? with high risk incidents$/, 'Risky users'],
  [/^\d+ users? with no risk incidents$/, 'Risky users'],
  [/^\d+ of \d+ devices? with a score above 0$/, 'Devices'],
  [/^\d+ open incidents? of level high$/, 'Threats'],
];

test('numbers are doors', async ({ page, admin }) => {
  const [one, other] = [await Phone.enroll(admin), await Phone.enroll(admin)];
  await one.detect('trojan');
  await other.detect('trojan');
  await other.detect('trojan', 'resolved');
  for (const [name, table] of NUMBERS) {
    await expect(async () => {
      await page.goto('/');
      const link = page.getByRole('link', { name });
      const text = (await link.getAttribute('aria-label')) ?? (await link.textContent());
      const number = Number(/\d+/.exec(text ?? '')?.[0]);
      expect(number).toBeGreaterThan(0);
      await link.click();
      const rows = page.getByRole('region', { name: table, exact: true }).locator('tbody tr');
      await expect(rows).toHaveCount(number, { timeout: 5_000 });
    }).toPass({ timeout: 60_000 });
  }
});
