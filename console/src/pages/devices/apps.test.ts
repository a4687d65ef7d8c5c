import { expect, test } from 'vitest';
import type { DeviceApp, OpenThreat } from '../../api';
import { threatOf } from './apps';

const set = { id: 's1', name: 'Stalkerware' };
const app: Pick<DeviceApp, 'indicators'> = {
  indicators: [
    { kind: 'app_identifier', value: 'com.spy', name: 'Spy', classification: 'stalkerware', set },
    { kind: 'certificate_sha1', value: 'ab', name: 'SpyVendor', classification: 'stalkerware', set },
  ],
};
const threat = (source: string, threat_id: string) => ({ id: threat_id, source, threat_id }) as OpenThreat;

test('an app leads to the threat that one of its indicators stands behind', () => {
  const found = threat('allclear', 'indicator:certificate_sha1:ab');
  expect(threatOf(app, { open_threats: [threat('allclear', 'rule:no_passcode'), found] })).toBe(found);
  expect(threatOf(app, { open_threats: [threat('other', 'indicator:app_identifier:com.spy')] })).toBeUndefined();
  expect(threatOf({ indicators: [] }, { open_threats: [found] })).toBeUndefined();
});
