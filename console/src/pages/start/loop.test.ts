import { expect, test } from 'vitest';
import type { Change, Entry } from '../../api';
import { round } from './loop';

const entry = (position: number, ...changes: Change[]): Entry => ({ position, at: `2026-03-01T08:00:0${position}Z`, actor: { kind: 'source', name: 'sensor' }, changes });
const threat = (id: string, to: 'open' | 'resolved'): Change => ({ type: 'threat', threat: id, classification: 'trojan', to });
const reported = (status: 'installed' | 'removed'): Change => ({ type: 'profile_reported', profile: 'p', name: 'MTD High Risk iOS', status });

const opened = entry(
  2, threat('t2', 'open'), { type: 'risk', from: 'none', to: 'high' }, { type: 'tag_added', tag: 'a', name: 'MTD - High Risk' },
  { type: 'smart_group_joined', smart_group: 'g', name: 'MTD High Risk' },
  { type: 'profile', profile: 'p', name: 'MTD High Risk iOS', desired: { action: 'install', version: 1 }, reason: 'assigned' },
);
const sent = entry(3, { type: 'command_issued', command: 'c', profile: 'p', name: 'MTD High Risk iOS', desired: { action: 'install', version: 1 } });
const done = (entries: Entry[]) => round(entries)?.map(({ title, at }) => at && title).filter(Boolean);

test('without a threat there is no round', () => {
  expect(round([entry(1, { type: 'device_enrolled' })])).toBeUndefined();
});

test('the last threat decides, whatever the order of the entries', () => {
  expect(done([sent, entry(1, threat('t1', 'open'), threat('t1', 'resolved')), opened])).toEqual([
    'Detected', 'Rated', 'Tagged', 'In a smart group', 'Profile wanted', 'Sent to the device',
  ]);
  expect(round([sent, opened])?.[1]).toMatchObject({ at: opened.at, what: 'none → high' });
});

test('what is removed counts only after the threat is gone', () => {
  const early = [opened, sent, entry(4, reported('removed')), entry(5, reported('installed'))];
  expect(done(early)).not.toContain('Lifted');
  expect(done(early)).toContain('In force');
  expect(done([...early, entry(6, threat('t2', 'resolved')), entry(7, reported('removed'))])).toEqual([
    'Detected', 'Rated', 'Tagged', 'In a smart group', 'Profile wanted', 'Sent to the device', 'In force', 'Threat gone', 'Lifted',
  ]);
});
