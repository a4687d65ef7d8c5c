// A smart group and a profile made by hand turn out as the ones the quickstart makes.
import { unique } from './client';
import { expect, test } from './fixtures';

type Named = { name: string };

test('a smart group', async ({ page, admin }) => {
  const groups = (await admin.get('/api/v1/smart-groups')).items;
  const model = groups.find(({ name }: Named) => name === 'MTD High Risk');
  const name = unique('By hand');
  await page.goto('/smart-groups/new');
  await page.getByRole('textbox', { name: 'Name', exact: true }).fill(name);
  await page.getByRole('combobox', { name: 'Tags' }).fill('MTD - High');
  await page.getByRole('option', { name: 'MTD - High Risk' }).click();
  await page.keyboard.press('Escape');
  await expect(page.getByText(/would be in the group/).first()).toBeVisible();
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await expect(page.getByRole('heading', { level: 1, name })).toBeVisible();
  const made = (await admin.get('/api/v1/smart-groups')).items.find((group: Named) => group.name === name);
  expect(made.selection).toEqual(model.selection);
  expect(made.organization_group_id).toBe(model.organization_group_id);
});

for (const platform of ['Android', 'iOS']) {
  test(`a profile for ${platform}`, async ({ page, admin }) => {
    const model = (await admin.get('/api/v1/profiles')).items.find(({ name }: Named) => name === `MTD Low Risk ${platform}`);
    const settings: Record<string, unknown> = model.spec.payloads[0].settings;
    const name = unique('By hand');
    await page.goto('/profiles');
    await page.getByRole('button', { name: 'New profile' }).click();
    await page.getByRole('menuitem', { name: platform }).click();
    await page.getByRole('textbox', { name: 'Name', exact: true }).fill(name);
    await page.getByRole('textbox', { name: 'Description' }).fill(model.spec.description);
    await page.getByRole('combobox', { name: 'Allow removal' }).click();
    await page.getByRole('option', { name: 'Never' }).click();
    await page.getByRole('tab', { name: 'Assignment' }).click();
    await page.getByRole('combobox', { name: 'Smart groups', exact: true }).fill('MTD Low');
    await page.getByRole('option', { name: 'MTD Low Risk' }).click();
    await page.keyboard.press('Escape');
    await page.getByRole('tab', { name: /Payloads/ }).click();
    await page.getByRole('button', { name: 'Add a payload' }).click();
    await page.getByRole('menuitem', { name: /^Restrictions/ }).click();
    for (const [key, value] of Object.entries(settings)) {
      await page.getByRole('searchbox', { name: 'Add a restriction' }).fill(key);
      await page.getByRole('button', { name: `Add ${key}`, exact: true }).click();
      if (typeof value !== 'string') continue;
      const set = page.getByRole('list', { name: 'Restrictions that are set' }).getByRole('listitem').filter({ hasText: key });
      await set.getByRole('combobox').click();
      await page.getByRole('option', { name: new RegExp(`^${value.replaceAll('_', ' ')}$`, 'i') }).click();
    }
    await page.getByRole('button', { name: 'Save & Publish' }).click();
    const effect = page.getByRole('dialog', { name: /Publish/ });
    await expect(effect.getByText(/would have it/)).toBeVisible();
    await effect.getByRole('button', { name: 'Publish', exact: true }).click();
    await expect(page.getByText('published as version 1')).toBeVisible();
    const made = (await admin.get('/api/v1/profiles')).items.find((profile: Named) => profile.name === name);
    expect(made.state).toBe('published');
    expect(made.spec).toEqual(model.spec);
  });
}
