// One change of the journal about a device, with links to what it is about.
import { Text } from '@mantine/core';
import type { ReactNode } from 'react';
import type { Change, Desired } from '../api';
import { changeText } from '../lib/changes';
import { TARGET_REASONS } from '../lib/reasons';
import { words } from '../lib/words';
import { RiskBadge, StatusBadge } from './badges';
import { Link } from './Link';
import { ClassificationName, ProfileLink, SmartGroupLink, ThreatLink, UserName } from './names';

const Aside = ({ children }: { children: ReactNode }) => <Text span size="sm" c="dimmed"> {children} </Text>;
const tag = (id: string, name: string) => <Link to="/devices" search={{ tag_id: id }}>{name}</Link>;

function wish(desired: Desired): string {
  switch (desired.action) {
    case 'install':
      return `install version ${desired.version} of`;
    case 'remove':
      return 'remove';
    case 'nothing':
      return 'leave alone';
  }
}

export function ChangeText({ change }: { change: Change }): ReactNode {
  switch (change.type) {
    case 'threat':
      return (
        <>
          Threat <ThreatLink id={change.threat}><ClassificationName id={change.classification} /></ThreatLink>{' '}
          {change.from && <><StatusBadge status={change.from} /><Aside>→</Aside></>}
          <StatusBadge status={change.to} />
          {change.reason && <Aside>“{change.reason}”</Aside>}
        </>
      );
    case 'risk':
      return <>Risk level <RiskBadge level={change.from} /><Aside>→</Aside><RiskBadge level={change.to} /></>;
    case 'user_risk':
      return <>Risk status of <UserName id={change.user} /> <RiskBadge level={change.from} /><Aside>→</Aside><RiskBadge level={change.to} /></>;
    case 'protection':
    case 'compliance':
      return <>{words(change.type)} <StatusBadge status={change.from} /><Aside>→</Aside><StatusBadge status={change.to} /></>;
    case 'tag_added':
      return <>Tagged {tag(change.tag, change.name)}</>;
    case 'tag_removed':
      return <>Tag {tag(change.tag, change.name)} removed</>;
    case 'smart_group_joined':
      return <>Joined <SmartGroupLink id={change.smart_group}>{change.name}</SmartGroupLink></>;
    case 'smart_group_left':
      return <>Left <SmartGroupLink id={change.smart_group}>{change.name}</SmartGroupLink></>;
    case 'profile':
      return <>{change.desired.action === 'nothing' ? 'Nothing wanted of' : `Wanted: ${wish(change.desired)}`} <ProfileLink id={change.profile}>{change.name}</ProfileLink><Aside>({TARGET_REASONS[change.reason]})</Aside></>;
    case 'command_issued':
      return <>Told the device to {wish(change.desired)} <ProfileLink id={change.profile}>{change.name}</ProfileLink></>;
    case 'profile_reported':
      return (
        <>
          The device reports <ProfileLink id={change.profile}>{change.name}</ProfileLink> {change.status && <StatusBadge status={change.status} />}
          {change.detail && <Aside>“{change.detail}”</Aside>}
        </>
      );
    default:
      return changeText(change);
  }
}
