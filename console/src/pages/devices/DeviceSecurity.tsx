// What a device reports of how it is protected.
import type { Device, SecurityState } from '../../api';
import { Facts, Section } from '../../ui/Section';

type Fact = [member: keyof SecurityState, label: string, platform?: Device['platform']];
const FACTS: Fact[] = [
  ['passcode_present', 'Passcode set'],
  ['encrypted', 'Encrypted'],
  ['rooted', 'Rooted', 'android'],
  ['rooted', 'Jailbroken', 'ios'],
  ['bootloader_unlocked', 'Bootloader unlocked', 'android'],
  ['usb_debugging', 'USB debugging', 'android'],
  ['developer_mode', 'Developer mode'],
  ['unknown_sources', 'Apps from unknown sources', 'android'],
];

const said = (fact: boolean | null | undefined) => (fact === true ? 'Yes' : fact === false ? 'No' : 'Not known');

export function DeviceSecurity({ device: { platform, security } }: { device: Device }) {
  const known = FACTS.filter(([, , only]) => !only || only === platform);
  return <Section title="Security state"><Facts facts={known.map(([member, label]) => [label, said(security[member])])} /></Section>;
}
