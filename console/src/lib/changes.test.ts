import { expect, test } from 'vitest';
import { changeText, differences } from './changes';

test('only the innermost members that differ are told', () => {
  const before = { name: 'A', criteria: { tags: ['x'], os: null }, payloads: [{ kind: 'wifi', ssid: 'old' }], version: 1 };
  const after = { name: 'A', criteria: { tags: ['x', 'y'] }, payloads: [{ kind: 'wifi', ssid: 'new' }, { kind: 'vpn' }], version: 1 };
  expect(differences(before, after)).toEqual([
    { path: ['criteria', 'tags'], before: ['x'], after: ['x', 'y'] },
    { path: ['payloads', '1', 'ssid'], before: 'old', after: 'new' },
    { path: ['payloads', '2', 'kind'], before: undefined, after: 'vpn' },
  ]);
});

test('what came to be or is gone is told without its empty members', () => {
  expect(differences(undefined, { name: 'A', tags: [], limits: { low: 0, note: '' } })).toEqual([
    { path: ['name'], before: undefined, after: 'A' },
    { path: ['limits', 'low'], before: undefined, after: 0 },
  ]);
  expect(differences({ name: 'A' }, undefined)).toEqual([{ path: ['name'], before: 'A', after: undefined }]);
});

test('a change is a phrase', () => {
  expect(changeText({ type: 'updated', before: { level: 'low', response: 'x' }, after: { level: 'high', response: 'x' } })).toBe('Changed: level');
  expect(changeText({ type: 'threat', threat: '1', classification: 'trojan', to: 'open' })).toBe('Trojan found');
  expect(changeText({ type: 'threat', threat: '1', classification: 'trojan', from: 'open', to: 'ignored', reason: 'test phone' })).toBe('Trojan: open → ignored (test phone)');
  expect(changeText({ type: 'profile', profile: '1', name: 'MTD', desired: { action: 'install', version: 2 }, reason: 'assigned' })).toBe('install MTD version 2 (assigned)');
  expect(changeText({ type: 'command_requested', command: '1', request_type: 'DeviceLock' })).toBe('Command given: Lock screen');
  expect(changeText({ type: 'command_cancelled', command: '1', request_type: 'CertificateList', reason: 'an administrator took it back' })).toBe('Command taken back: CertificateList (an administrator took it back)');
  expect(changeText({ type: 'command_answered', command: '1', request_type: 'EraseDevice', status: 'error', detail: 'no' })).toBe('The device answers Erase everything: error (no)');
});
