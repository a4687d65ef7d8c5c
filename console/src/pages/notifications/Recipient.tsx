// Whom a message is to, leading to what is known of them.
import type { Notification } from '../../api';
import { Link } from '../../ui/Link';
import { DeviceLink } from '../../ui/names';

export function Recipient({ of: { recipient, user_id, device_id } }: { of: Notification }) {
  if (device_id) return <DeviceLink id={device_id}>{recipient}</DeviceLink>;
  return user_id ? <Link to="/risk/users/$id" params={{ id: user_id }}>{recipient}</Link> : recipient;
}
