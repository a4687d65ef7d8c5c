// The three ways to notify a user, notifying devices, and doing so by keyboard alone.
import type { Page } from '@playwright/test';
import { type Client, Phone, unique } from './client';
import { expect, test } from './fixtures';

async function atRisk(admin: Client, person: Record<string, string> = {}) {
  const name = unique('Grace Hopper');
  const phone = await Phone.enroll(admin, { display_name: name, email: 'grace@example.com', phone: '+4915112345678', ...person });
  await phone.detect('trojan');
  return { phone, name };
}

/** Sends what the open window is prefilled with, by email and SMS. */
async function send(page: Page) {
  const window = page.getByRole('dialog', { name: 'Send Notification' });
  await expect(window.getByText('grace@example.com')).toBeVisible();
  await expect(window.getByText('+4915112345678')).toBeVisible();
  await window.getByRole('switch', { name: 'Email' }).check();
  await window.getByRole('switch', { name: 'SMS' }).check();
  await expect(window.getByLabel('SMS message')).not.toHaveValue('');
  await window.getByRole('button', { name: 'Send notification' }).click();
  await expect(window.getByRole('status')).toContainText('captured, not sent');
  await window.getByRole('button', { name: 'Close', exact: true }).click();
}

async function expectTold(admin: Client, user: string) {
  const { items } = await admin.get(`/api/v1/notifications?user_id=${user}`);
  expect(items.map((one: { channel: string; state: string }) => [one.channel, one.state]).sort()).toEqual([['email', 'captured'], ['sms', 'captured']]);
}

test('from the widget on the Security Dashboard', async ({ page, admin }) => {
  const { phone, name } = await atRisk(admin);
  for (const threat of ['ransomware', 'spyware', 'rootkit', 'exploit']) await phone.detect('trojan', 'open', threat);
  await page.goto('/');
  await page.getByText('Top risky users').click();
  await page.getByRole('button', { name: `Actions for ${name}` }).click();
  await page.getByRole('menuitem', { name: 'Notify' }).click();
  await send(page);
  await expectTold(admin, phone.user.id);
});

test('from the User List', async ({ page, admin }) => {
  const { phone, name } = await atRisk(admin);
  await page.goto('/');
  await page.getByRole('link', { name: 'View more risky users' }).click();
  await expect(page).toHaveURL(/\/risk\/users/);
  await page.getByRole('button', { name: `Actions for ${name}` }).click();
  await page.getByRole('menuitem', { name: 'Notify' }).click();
  await send(page);
  await expectTold(admin, phone.user.id);
});

test('from the Summary View', async ({ page, admin }) => {
  const { phone, name } = await atRisk(admin);
  await page.goto('/risk/users');
  await page.getByRole('link', { name, exact: true }).click();
  await page.getByRole('button', { name: 'Notify', exact: true }).click();
  await send(page);
  await expectTold(admin, phone.user.id);
});

test('what has no address is unavailable, and says where to mend it', async ({ page, admin }) => {
  const user = await admin.post('/api/v1/users', { user_name: unique('nobody'), email: 'only@example.com' });
  await page.goto(`/risk/users/${user.id}`);
  await page.getByRole('button', { name: 'Notify', exact: true }).click();
  const window = page.getByRole('dialog', { name: 'Send Notification' });
  await expect(window.getByRole('switch', { name: 'SMS' })).toBeDisabled();
  await expect(window.getByRole('link', { name: 'Users > Directory' })).toHaveAttribute('href', new RegExp(`/users/${user.id}`));
  const email = window.getByRole('switch', { name: 'Email' });
  await email.uncheck();
  await window.getByRole('button', { name: 'Send notification' }).click();
  await expect(window.getByRole('alert')).toContainText('Choose at least one');
});

test('an SMS is counted while it is written, and a longer one is not sent', async ({ page, admin }) => {
  const { phone } = await atRisk(admin);
  await page.goto(`/risk/users/${phone.user.id}`);
  await page.getByRole('button', { name: 'Notify', exact: true }).click();
  const window = page.getByRole('dialog', { name: 'Send Notification' });
  await window.getByRole('switch', { name: 'SMS' }).check();
  const text = window.getByLabel('SMS message');
  await text.fill('a'.repeat(160));
  await expect(window.getByText('160 of 160')).toBeVisible();
  await text.fill(`${'a'.repeat(158)}€€`);
  await window.getByRole('button', { name: 'Send notification' }).click();
  await expect(text).toHaveAttribute('aria-invalid', 'true');
  await text.fill('Привет');
  await expect(window.getByText('6 of 70')).toBeVisible();
});

test('chosen devices show the message', async ({ page, admin }) => {
  const { phone } = await atRisk(admin);
  await page.goto(`/risk/users/${phone.user.id}`);
  await page.getByRole('checkbox', { name: new RegExp(phone.name) }).check();
  await page.getByRole('button', { name: 'Notify devices' }).click();
  const window = page.getByRole('dialog', { name: 'Notify devices' });
  await window.getByRole('button', { name: 'Send notification' }).click();
  await expect(window.getByRole('status')).toContainText('1 device will show the message');
  const { messages } = await phone.agent.get('/agent/v1/messages');
  expect(messages).toHaveLength(1);
});

test('by keyboard alone', async ({ page, admin }) => {
  const { phone } = await atRisk(admin);
  await page.goto(`/risk/users/${phone.user.id}`);
  const focused = page.locator(':focus');
  const tabTo = async (name: string | RegExp) => {
    for (let i = 0; i < 120; i++) {
      await page.keyboard.press('Tab');
      const label = await focused.evaluate((element) => element.getAttribute('aria-label') ?? (element as HTMLInputElement).labels?.[0]?.textContent ?? element.textContent);
      if (typeof name === 'string' ? label?.trim() === name : name.test(label ?? '')) return;
    }
    throw new Error(`no way to ${name} with Tab`);
  };
  await expect(page.getByRole('button', { name: 'Notify', exact: true })).toBeVisible();
  await tabTo('Notify');
  await page.keyboard.press('Enter');
  const window = page.getByRole('dialog', { name: 'Send Notification' });
  await expect(window.getByRole('switch', { name: 'SMS' })).toBeVisible();
  const sms = window.getByRole('switch', { name: 'SMS' });
  if (!(await sms.isChecked())) {
    await tabTo(/^SMS/);
    await page.keyboard.press('Space');
  }
  await expect(sms).toBeChecked();
  await tabTo('Send notification');
  await page.keyboard.press('Enter');
  await expect(window.getByRole('status')).toContainText('captured, not sent');
  await page.keyboard.press('Escape');
  await expect(window).toBeHidden();
  await expect(page.getByRole('button', { name: 'Notify', exact: true })).toBeFocused();
});

test('notify all devices that match the filters of the list', async ({ page, admin }) => {
  const maker = unique('Maker');
  const phones = [await Phone.enroll(admin, {}, { manufacturer: maker }), await Phone.enroll(admin, {}, { manufacturer: maker })];
  await page.goto(`/devices?manufacturer=${maker}`);
  await expect(page.getByRole('region', { name: 'Devices', exact: true }).locator('tbody tr')).toHaveCount(2);
  await page.getByRole('button', { name: 'Notify devices' }).click();
  await page.getByRole('menuitem', { name: 'All devices that match' }).click();
  const window = page.getByRole('dialog', { name: 'Notify devices' });
  await window.getByRole('switch', { name: 'Write one message for all' }).click();
  await window.getByRole('textbox', { name: 'Message' }).fill('Please come to the desk.');
  await window.getByRole('button', { name: 'Send notification' }).click();
  await expect(window.getByText('2 devices will show the message.')).toBeVisible();
  for (const phone of phones) {
    const { messages } = await phone.agent.get('/agent/v1/messages');
    expect(messages.map(({ body }: { body: string }) => body)).toEqual(['Please come to the desk.']);
  }
});
