// An administrator has an iPhone do something, and sees what came of it.
import { expect, findings, test as base, administrator, session } from './fixtures';
import { Phone } from './client';
import { Iphone, plist } from './iphone';

const test = base.extend<{ iphone: Iphone }>({
  iphone: async ({ admin }, use) => {
    const iphone = await Iphone.enroll(admin);
    await use(iphone);
    await iphone.close();
  },
});

test('a phone is locked: handed over, answered, and its answer is there to be read', async ({ page, iphone }) => {
  await page.goto(`/devices/${iphone.id}?tab=commands`);
  await page.getByRole('button', { name: 'Give a command' }).click();
  await page.getByRole('menuitem', { name: /^Lock screen/ }).click();
  const form = page.getByRole('dialog', { name: `Lock screen: ${iphone.name}` });
  await form.getByRole('textbox', { name: 'Message' }).fill('Call us');
  await form.getByRole('button', { name: 'Lock screen' }).click();
  const row = page.getByRole('region', { name: 'Commands' }).getByRole('row').filter({ hasText: 'Lock screen' });
  await expect(row).toContainText('Queued');

  const told = await iphone.says('Idle');
  expect(told?.kind).toBe('DeviceLock');
  expect(told?.text).toContain('Call us');
  await expect(row).toContainText('Sent');
  await iphone.says('Acknowledged', told?.id, { MessageResult: 'Success' });
  await expect(row).toContainText('Acknowledged');
  await expect(row.getByRole('button', { name: /^Take back/ })).toHaveCount(0);
  await row.getByRole('link', { name: 'Lock screen' }).click();
  const details = page.getByRole('dialog', { name: 'Lock screen' });
  await expect(details.getByRole('region', { name: 'What the device answered' })).toContainText('MessageResult');
  await expect(details.getByRole('region', { name: 'What the command says' })).toContainText('Call us');
  expect(await findings(page)).toEqual([]);
  await page.goto(`/devices/${iphone.id}?tab=timeline`);
  await expect(page.getByText('Command given: Lock screen')).toBeVisible();
  await expect(page.getByText('The device answers Lock screen: acknowledged')).toBeVisible();
});

test('erasing asks for the name of the device, and can be taken back until the device has it', async ({ page, iphone }) => {
  await page.goto(`/devices/${iphone.id}?tab=commands`);
  await page.getByRole('button', { name: 'Give a command' }).click();
  await page.getByRole('menuitem', { name: /^Erase everything/ }).click();
  const form = page.getByRole('dialog', { name: `Erase everything: ${iphone.name}` });
  await expect(form.getByRole('alert')).toContainText('cannot be undone');
  const name = form.getByRole('textbox', { name: /^Type/ });
  await form.getByRole('button', { name: 'Erase everything' }).click();
  await expect(name).toHaveAttribute('aria-invalid', 'true');
  await name.fill('another');
  await form.getByRole('button', { name: 'Erase everything' }).click();
  await expect(name).toHaveAttribute('aria-invalid', 'true');
  expect(await findings(page)).toEqual([]);
  await name.fill(iphone.name);
  await form.getByRole('button', { name: 'Erase everything' }).click();
  const row = page.getByRole('region', { name: 'Commands' }).getByRole('row').filter({ hasText: 'Erase everything' });
  await expect(row).toContainText('Queued');
  await row.getByRole('button', { name: 'Take back Erase everything' }).click();
  const asking = page.getByRole('dialog', { name: 'Take back Erase everything' });
  await expect(asking).toContainText('never was');
  await asking.getByRole('button', { name: 'Take back' }).click();
  await expect(row).toContainText('Cancelled');
  expect(await iphone.says('Idle')).toBeUndefined();
});

test('what only the platform knows is said in its words, and what the device says against it is shown', async ({ page, iphone }) => {
  await page.goto(`/devices/${iphone.id}?tab=commands`);
  await page.getByRole('button', { name: 'Give a command' }).click();
  await page.getByRole('menuitem', { name: /own words/ }).click();
  const form = page.getByRole('dialog', { name: /own words/ });
  const command = form.getByRole('textbox', { name: 'Command' });
  await command.fill('nothing');
  await form.getByRole('button', { name: /own words/ }).click();
  await expect(command).toHaveAttribute('aria-invalid', 'true');
  await command.fill(plist({ RequestType: 'EraseDevice' }));
  await expect(form.getByRole('textbox', { name: /^Type/ })).toBeVisible();
  await command.fill(plist({ RequestType: 'CertificateList' }));
  await expect(form.getByRole('textbox', { name: /^Type/ })).toHaveCount(0);
  await form.getByRole('button', { name: /own words/ }).click();
  const row = page.getByRole('region', { name: 'Commands' }).getByRole('row').filter({ hasText: 'CertificateList' });
  await expect(row).toContainText('Queued');
  const told = await iphone.says('Idle');
  expect(told?.kind).toBe('CertificateList');
  await iphone.says('Error', told?.id, { ErrorChain: [{ ErrorCode: 12021, ErrorDomain: 'MCMDMErrorDomain', LocalizedDescription: 'Not here', USEnglishDescription: 'Not here' }] });
  await expect(row).toContainText('Error');
  await expect(row).toContainText('Not here');
});

test('rights decide which commands there are', async ({ browser, admin, url, iphone }) => {
  const as = async (role: string) => {
    const { user_name } = await administrator(admin, role);
    const context = await browser.newContext({ baseURL: url, storageState: await session(url, user_name) });
    const page = await context.newPage();
    await page.goto(`/devices/${iphone.id}?tab=commands`);
    await expect(page.getByText('No commands yet')).toBeVisible();
    return { context, page };
  };
  const desk = await as('help_desk');
  await desk.page.getByRole('button', { name: 'Give a command' }).click();
  await expect(desk.page.getByRole('menuitem', { name: /^Restart/ })).toBeVisible();
  await expect(desk.page.getByRole('menuitem', { name: /^(Erase|Begin lost|End lost|Clear|In Apple)/ })).toHaveCount(0);
  await desk.context.close();
  const reader = await as('read_only');
  await expect(reader.page.getByRole('button', { name: 'Give a command' })).toHaveCount(0);
  await reader.context.close();
});

test('a device with an agent only takes no commands, and says so', async ({ page, admin }) => {
  const phone = await Phone.enroll(admin);
  await page.goto(`/devices/${phone.id}?tab=commands`);
  await expect(page.getByText(/Commands are for devices that are managed by their platform/)).toBeVisible();
  await expect(page.getByRole('button', { name: 'Give a command' })).toHaveCount(0);
});

test('unenrolling says what goes and what stays, and takes the management off last', async ({ page, iphone }) => {
  await page.goto(`/devices/${iphone.id}`);
  await page.getByRole('button', { name: 'More' }).click();
  await page.getByRole('menuitem', { name: /^Unenroll/ }).click();
  const asking = page.getByRole('dialog', { name: `Unenroll ${iphone.name}` });
  await expect(asking.getByRole('group', { name: 'What goes' })).toContainText('The management itself, last');
  await expect(asking.getByRole('group', { name: 'What stays' })).toContainText('photos');
  expect(await findings(page)).toEqual([]);
  await asking.getByRole('textbox').fill(iphone.name);
  await asking.getByRole('button', { name: 'Unenroll' }).click();
  await expect(page.getByText(`${iphone.name} unenrolled`)).toBeVisible();
  const told = await iphone.says('Idle');
  expect(told?.kind).toBe('RemoveProfile');
  await iphone.says('Acknowledged', told?.id);
  await page.goto(`/devices/${iphone.id}?tab=timeline`);
  await expect(page.getByText('Its platform’s management is off the device')).toBeVisible();
  await page.goto(`/devices/${iphone.id}?tab=commands`);
  await expect(page.getByText('The device is not managed any more.')).toBeVisible();
});

test('a revoked certificate is not believed any more', async ({ page, iphone }) => {
  await page.goto(`/devices/${iphone.id}`);
  const certificates = page.getByRole('region', { name: 'Certificates' }).last();
  await expect(certificates).toContainText('Good');
  await certificates.getByRole('button', { name: /^Revoke the certificate/ }).click();
  const asking = page.getByRole('dialog', { name: 'Revoke the certificate' });
  await asking.getByRole('textbox').fill(iphone.name);
  await asking.getByRole('button', { name: 'Revoke certificate' }).click();
  await expect(certificates).toContainText('Revoked');
  expect((await iphone.report('Idle')).status).toBe(403);
});
