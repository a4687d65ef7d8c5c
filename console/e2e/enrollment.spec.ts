// A device enrolls by the code that the console shows: read from the screen as a camera would.
import jsQR from 'jsqr';
import type { Locator } from '@playwright/test';
import { Client, unique } from './client';
import { expect, test } from './fixtures';

/** What a camera reads from the picture on the screen. */
async function scan(code: Locator): Promise<string> {
  const { data, width } = await code.evaluate(async (svg: SVGElement) => {
    const size = svg.getBoundingClientRect().width;
    const image = new Image();
    const shown = svg.cloneNode(true) as SVGElement;
    shown.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
    image.src = `data:image/svg+xml,${encodeURIComponent(shown.outerHTML)}`;
    await image.decode();
    const canvas = document.createElement('canvas');
    canvas.width = canvas.height = size;
    const drawing = canvas.getContext('2d')!;
    drawing.drawImage(image, 0, 0, size, size);
    return { data: [...drawing.getImageData(0, 0, size, size).data], width: size };
  });
  const read = jsQR(Uint8ClampedArray.from(data), width, width);
  expect(read, 'the code can be read').not.toBeNull();
  return read!.data;
}

test('enroll a device by the QR code of a new user', async ({ page, admin, url }) => {
  const user = unique('grace');
  await page.goto('/start?step=device');
  await page.getByRole('button', { name: 'For a new user' }).click();
  const form = page.getByRole('dialog', { name: /user/i });
  await form.getByRole('textbox', { name: 'User name' }).fill(user);
  await form.getByRole('button', { name: /^(Create|Save|Add)/ }).click();
  await page.getByRole('button', { name: 'Make token' }).click();
  const dialog = page.getByRole('dialog', { name: `Enroll a device for ${user}` });
  const read = new URL(await scan(dialog.getByRole('img', { name: /^QR code/ })));
  expect(read.origin).toBe(url);
  expect(read.href).toBe(await dialog.getByRole('textbox', { name: 'Link' }).inputValue());

  const token = await dialog.getByRole('textbox', { name: 'Token' }).inputValue();
  expect(read.href).toContain(token);
  await dialog.getByRole('button', { name: 'Done' }).click();
  const name = unique('phone');
  const device = { platform: 'android', serial_number: unique('SN'), manufacturer: 'Google', model: 'Pixel 9', os_version: '15', friendly_name: name };
  const { device_id } = await new Client(url, '').post('/agent/v1/enroll', { enrollment_token: token, device });
  const row = page.getByRole('region', { name: 'Devices that enrolled last' }).getByRole('row').filter({ hasText: name });
  await expect(row).toContainText(user);
  expect((await admin.get(`/api/v1/devices/${device_id}`)).enrollment_status).toBe('enrolled');
  // The code is used up.
  const again = await new Client(url, '').call('POST', '/agent/v1/enroll', { enrollment_token: token, device: { ...device, serial_number: unique('SN') } });
  expect(again.status).toBeGreaterThanOrEqual(400);
});
