// What can be said about a device beyond the steps of its explanation.
import type { Explanation, RiskLevel } from '../../api';
import { RISK_LEVELS } from '../../ui/badges';

/** The level that is left once the threats that decide now are gone, and which those are. */
export function whatWouldClear({ risk, threats }: Pick<Explanation, 'risk' | 'threats'>): { level: RiskLevel; names: string[] } {
  const decides = new Set(risk.threats);
  const left = threats.filter((threat) => threat.status === 'open' && !decides.has(threat.id));
  return {
    level: RISK_LEVELS.find((level) => left.some((threat) => threat.level === level)) ?? 'none',
    names: [...new Set(threats.filter(({ id }) => decides.has(id)).map(({ name }) => name))],
  };
}

/** `a`, `a and b`, `a, b and c`. */
export const and = (items: string[]) => (items.length < 2 ? items.join('') : `${items.slice(0, -1).join(', ')} and ${items.at(-1)}`);
