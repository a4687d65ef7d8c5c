// What administrators can decide about a threat. Where a posture rule stands behind it, the device decides whether it is there.
import type { Threat } from '../../api';
import { foundBy } from '../../lib/builtIn';

export type Decision = 'resolve' | 'ignore' | 'reopen';
type Decided = Pick<Threat, 'status' | 'source' | 'threat_id'>;

export function possible(threat: Decided): Decision[] {
  const rule = foundBy(threat) === 'rule';
  switch (threat.status) {
    case 'open':
      return rule ? ['ignore'] : ['resolve', 'ignore'];
    case 'ignored':
      return ['reopen'];
    case 'resolved':
      return rule ? [] : ['reopen'];
  }
}

/** What a decision means for this threat. */
export function effectOf(decision: Decision, threat: Decided): string {
  switch (decision) {
    case 'resolve':
      return `It counts as gone, and what it brought about is lifted. ${
        foundBy(threat) === 'indicator'
          ? 'If an indicator still fits when the device reports next, because the app is still there, it is open again: ignore it to have it stay away.'
          : 'If its source sees it again later, it is open again.'
      }`;
    case 'ignore':
      return 'It no longer counts, whatever its source goes on saying, until somebody reopens it. What it brought about is lifted.';
    case 'reopen':
      return 'It counts again, and what follows from it applies at once.';
  }
}

/** When it goes by itself, for threats that this server finds. */
export function goesBy(threat: Decided): string | undefined {
  switch (foundBy(threat)) {
    case 'rule':
      return 'A posture rule found this. It is resolved once the device reports that it is put right, or the rule is changed; it cannot be resolved by hand. Ignore it if it should not count.';
    case 'indicator':
      return 'An indicator found this. It is resolved once the device reports that what it fits is gone, or the indicator is. Resolved by hand it comes back while that is still there; ignore it if it should not count.';
    default:
      return undefined;
  }
}
