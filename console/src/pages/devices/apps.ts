// What apps on a device have to do with its threats.
import type { Device, DeviceApp, OpenThreat } from '../../api';
import { foundBy } from '../../lib/builtIn';

/** The open threat that one of the indicators fitting an app stands behind. */
export function threatOf(app: Pick<DeviceApp, 'indicators'>, device: Pick<Device, 'open_threats'>): OpenThreat | undefined {
  const ids = new Set(app.indicators.map(({ kind, value }) => `indicator:${kind}:${value}`));
  return device.open_threats.find((threat) => foundBy(threat) === 'indicator' && ids.has(threat.threat_id));
}
