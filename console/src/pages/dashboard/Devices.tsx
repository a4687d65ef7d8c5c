// The widget Devices: how many stand how, by risk, compliance or protection.
import type { Dashboard, ProtectionStatus, RiskLevel } from '../../api';
import { counted, words } from '../../lib/words';
import { RiskBadge, StatusBadge } from '../../ui/badges';
import { Link } from '../../ui/Link';
import { Panel, type Share, Shares, Views } from './parts';
import type { DEVICE_TABS } from './search';

type Tab = (typeof DEVICE_TABS)[number];
type Props = { dashboard: Dashboard; tab: Tab; onTab: (tab: Tab) => void };

const TABS = [
  { value: 'risk', label: 'By risk' },
  { value: 'compliance', label: 'By compliance' },
  { value: 'protection', label: 'By protection' },
] as const;

const RISK: [RiskLevel, string][] = [['high', 'red.7'], ['medium', 'orange.6'], ['low', 'yellow.5'], ['advisory', 'blue.5'], ['none', 'gray.5']];
const COMPLIANCE = [['compliant', 'teal.6'], ['not_compliant', 'red.7'], ['unknown', 'gray.5']] as const;
const PROTECTION: [ProtectionStatus, string][] = [
  ['activated', 'teal.6'], ['pending', 'blue.5'], ['deactivated', 'orange.6'], ['disconnected', 'yellow.5'], ['unreachable', 'gray.6'],
];

function shares(tab: Tab, dashboard: Dashboard): Share[] {
  const name = (value: number, key: string) => `${counted(value, 'device')}: ${words(key)}`;
  switch (tab) {
    case 'risk':
      return RISK.map(([key, color]) => {
        const value = dashboard.devices_by_risk[key];
        return { key, value, color, label: <RiskBadge level={key} />, link: (text) => <Link to="/devices" search={{ risk_level: [key] }} aria-label={name(value, key)}>{text}</Link> };
      });
    case 'compliance':
      return COMPLIANCE.map(([key, color]) => {
        const value = dashboard.devices_by_compliance[key];
        return { key, value, color, label: <StatusBadge status={key} />, link: (text) => <Link to="/devices" search={{ compliance: key }} aria-label={name(value, key)}>{text}</Link> };
      });
    case 'protection':
      return PROTECTION.map(([key, color]) => {
        const value = dashboard.devices_by_protection[key];
        return { key, value, color, label: <StatusBadge status={key} />, link: (text) => <Link to="/devices" search={{ protection_status: [key] }} aria-label={name(value, key)}>{text}</Link> };
      });
  }
}

export function Devices({ dashboard, tab, onTab }: Props) {
  return (
    <Panel title="Devices" note={<Link to="/devices">{counted(dashboard.devices, 'device')}</Link>}>
      <Views label="Devices by risk, compliance or protection" tabs={TABS} value={tab} onChange={onTab} />
      <Shares shares={shares(tab, dashboard)} />
    </Panel>
  );
}
