// What this server finds by itself: threats of its own source of detections.

const BUILT_IN = 'allclear';

/** What stands behind a threat of the built-in source; undefined for a threat of another source. */
export function foundBy({ source, threat_id }: { source: string; threat_id: string }): 'rule' | 'indicator' | undefined {
  if (source !== BUILT_IN) return undefined;
  return threat_id.startsWith('rule:') ? 'rule' : threat_id.startsWith('indicator:') ? 'indicator' : undefined;
}
