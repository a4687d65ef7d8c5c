// What apps on a device have to do with its threats.
import type { Device, DeviceApp, OpenThreat } from '../../api';

/** The server's own source of detections. */
const BUILT_IN = 'allclear';

/** The open threat that one of the indicators fitting an app stands behind. */
export function threatOf(app: Pick<DeviceApp, 'indicators'>, device: Pick<Device, 'open_threats'>): OpenThreat | undefined {
  const ids = new Set(app.indicators.map(({ kind, value }) => `indicator:${kind}:${value}`));
  return device.open_threats.find(({ source, threat_id }) => source === BUILT_IN && ids.has(threat_id));
}
