// Every page, empty and filled, in both colour schemes: nothing serious for axe-core to find, no request elsewhere.
import { Phone } from './client';
import { expect, findings, test } from './fixtures';

const PAGES = [
  '/', '/?users=top_risky_users', '/risk/users', '/threats', '/threats/source-events', '/devices', '/notifications', '/users', '/users/groups',
  '/smart-groups', '/smart-groups/new', '/profiles', '/profiles/new', '/tags', '/protections', '/protections?row=trojan', '/protections?row=trojan&tab=texts', '/start',
  '/organization-groups', '/integrations', '/indicators', '/indicators/search', '/enrollment', '/settings', '/settings/channels', '/settings/channels/email', '/settings/channels/sms',
  '/settings/channels/apns', '/settings/channels/fcm', '/settings/apple', '/settings/android', '/settings/templates', '/settings/templates/notify/email/en',
  '/settings/templates/account_status/sms/de', '/notifications?state=failed', '/admins', '/roles', '/api-tokens', '/audit', '/jobs', '/account',
];

for (const colorScheme of ['light', 'dark'] as const) {
  test(`axe finds nothing serious on any page, ${colorScheme}`, async ({ page, admin }) => {
    test.setTimeout(300_000);
    const phone = await Phone.enroll(admin, { display_name: 'Grace Hopper', email: 'grace@example.com', phone: '+4915112345678' });
    await phone.detect('trojan');
    const [group] = (await admin.get('/api/v1/smart-groups')).items;
    const [profile] = (await admin.get('/api/v1/profiles')).items;
    const [threat] = (await admin.get(`/api/v1/threats?device_id=${phone.id}`)).items;
    const one = [`/devices/${phone.id}`, `/devices/${phone.id}?tab=apps`, `/devices/${phone.id}?tab=commands`, `/threats/${threat.id}`, `/users/${phone.user.id}`, `/risk/users/${phone.user.id}`, `/smart-groups/${group.id}`, `/profiles/${profile.id}`];
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    for (const path of [...PAGES, ...one]) {
      await test.step(path, async () => {
        await page.goto(path);
        await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
        await expect(page.locator('[aria-busy="true"], .mantine-Skeleton-root')).toHaveCount(0);
        expect(await findings(page), path).toEqual([]);
      });
    }
  });
}
