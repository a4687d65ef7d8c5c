import { expect, test } from 'vitest';
import type { ExplainedThreat, RiskLevel, ThreatStatus } from '../../api';
import { and, whatWouldClear } from './why';

const threat = (id: string, level: RiskLevel, status: ThreatStatus = 'open') => ({ id, level, status, name: `T ${id}` }) as ExplainedThreat;
const risk = (level: RiskLevel, threats: string[]) => ({ level, threats, since: '', score: 0 });

test('what is left is the worst of the other open threats', () => {
  const threats = [threat('1', 'high'), threat('2', 'high'), threat('3', 'medium', 'resolved'), threat('4', 'low'), threat('5', 'advisory')];
  expect(whatWouldClear({ risk: risk('high', ['1', '2']), threats })).toEqual({ level: 'low', names: ['T 1', 'T 2'] });
});

test('without other open threats the risk is gone', () => {
  expect(whatWouldClear({ risk: risk('medium', ['1']), threats: [threat('1', 'medium'), threat('2', 'high', 'ignored')] }).level).toBe('none');
});

test('names are joined as people say them', () => {
  expect([and([]), and(['a']), and(['a', 'b']), and(['a', 'b', 'c'])]).toEqual(['', 'a', 'a and b', 'a, b and c']);
});
