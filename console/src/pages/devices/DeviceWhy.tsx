// Why a device is as it is: the chain from threat over Protections row, risk, tag and smart group to profile.
import { Anchor, Card, Collapse, Group, Stack, Text, ThemeIcon, Title } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import {
  IconArrowDown, IconFileText, IconListCheck, IconShieldCheck, IconShieldCog, IconTag, IconVirus,
} from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useId } from 'react';
import type { Device, ExplainedGroup, ExplainedProfile, ExplainedTag, ExplainedThreat, Explanation, Verdict } from '../../api';
import { explainDeviceOptions } from '../../api/@tanstack/react-query.gen';
import { TARGET_REASONS } from '../../lib/reasons';
import { counted, words } from '../../lib/words';
import { RiskBadge, StatusBadge } from '../../ui/badges';
import { Link } from '../../ui/Link';
import { Loading } from '../../ui/Loading';
import { ClassificationName, ProfileLink, SmartGroupLink, ThreatLink } from '../../ui/names';
import { ErrorState } from '../../ui/states';
import { Time } from '../../ui/Time';
import { and, whatWouldClear } from './why';

export function DeviceWhy({ device }: { device: Device }) {
  const { data, error, refetch } = useQuery(explainDeviceOptions({ path: { id: device.id } }));
  if (!data) return error ? <ErrorState error={error} onRetry={() => void refetch()} /> : <Loading />;
  const open = data.threats.filter(({ status }) => status === 'open');
  const others = data.threats.filter(({ status }) => status !== 'open');
  const inside = data.smart_groups.filter(({ member }) => member);
  const outside = data.smart_groups.filter(({ member }) => !member);
  return (
    <Stack gap={6} component="ol" p={0} m={0} style={{ listStyle: 'none' }} aria-label="Why">
      {error && <ErrorState error={error} onRetry={() => void refetch()} />}
      <Step icon={IconVirus} title="Threats">
        {open.length === 0 && <Text size="sm">No threat is open on this device.</Text>}
        {open.map((threat) => <Threat key={threat.id} threat={threat} decides={data.risk.threats.includes(threat.id)} />)}
        {others.length > 0 && <More label={`${counted(others.length, 'threat')} resolved or ignored`}>{others.map((threat) => <Threat key={threat.id} threat={threat} decides={false} />)}</More>}
      </Step>
      <Step icon={IconShieldCog} title="Protections">
        {open.length === 0 && <Text size="sm">No row applies.</Text>}
        {open.map((threat) => <Row key={threat.id} threat={threat} />)}
      </Step>
      <Step icon={IconShieldCheck} title="Risk, protection and compliance"><Verdicts explanation={data} /></Step>
      <Step icon={IconTag} title="Tags">
        {data.tags.length === 0 && <Text size="sm">No tag is on this device.</Text>}
        {data.tags.map((tag) => <Tag key={tag.id} tag={tag} explanation={data} />)}
      </Step>
      <Step icon={IconListCheck} title="Smart groups">
        {inside.length === 0 && <Text size="sm">The device is in none.</Text>}
        {inside.map((group) => <SmartGroup key={group.id} group={group} />)}
        {outside.length > 0 && <More label={`Not in ${counted(outside.length, 'smart group')}`}>{outside.map((group) => <SmartGroup key={group.id} group={group} />)}</More>}
      </Step>
      <Step icon={IconFileText} title="Profiles" last>
        {data.profiles.length === 0 && <Text size="sm">No profile concerns this device.</Text>}
        {data.profiles.map((profile) => <Profile key={profile.id} profile={profile} />)}
      </Step>
      <Text size="xs" c="dimmed" component="li">Worked out <Time at={data.evaluated_at} /> from the rules and facts of that moment.</Text>
    </Stack>
  );
}

type StepProps = { icon: typeof IconTag; title: string; last?: boolean; children: ReactNode };

function Step({ icon: Icon, title, last, children }: StepProps) {
  return (
    <li>
      <Card withBorder padding="sm">
        <Group gap="sm" align="flex-start" wrap="nowrap">
          <ThemeIcon variant="default" size={28} aria-hidden><Icon size={16} /></ThemeIcon>
          <Stack gap={8} style={{ flex: 1, minWidth: 0 }}>
            <Title order={2} size="h6">{title}</Title>
            {children}
          </Stack>
        </Group>
      </Card>
      {!last && <Group justify="center" pt={6} aria-hidden><IconArrowDown size={16} /></Group>}
    </li>
  );
}

function More({ label, children }: { label: string; children: ReactNode }) {
  const [opened, { toggle }] = useDisclosure();
  const id = useId();
  return (
    <div>
      <Anchor component="button" type="button" size="sm" aria-expanded={opened} aria-controls={id} onClick={toggle}>{label}</Anchor>
      <Collapse expanded={opened} id={id}><Stack gap={8} pt={8}>{children}</Stack></Collapse>
    </div>
  );
}

function Threat({ threat, decides }: { threat: ExplainedThreat; decides: boolean }) {
  return (
    <Text size="sm" component="div">
      <RiskBadge level={threat.level} /> <ThreatLink id={threat.id}>{threat.name}</ThreatLink>: {threat.source} says it is {threat.status}, first seen <Time at={threat.first_seen} />
      {decides && <>, <Text span size="sm" fw={600}>decides the risk level</Text></>}
    </Text>
  );
}

function Row({ threat }: { threat: ExplainedThreat }) {
  const { row, decided_by } = threat;
  const decides = {
    default: 'which is the default',
    tenant: 'as set in this organization',
    source: `but ${threat.source} is trusted and says ${threat.severity ? words(threat.severity).toLowerCase() : 'a level of its own'}`,
  };
  return (
    <Text size="sm" component="div">
      <Link to="/protections" search={{ row: row.classification }}><ClassificationName id={row.classification} /></Link> is rated <RiskBadge level={row.level} />, {decides[decided_by]}
      {row.classification !== threat.classification && ` (the table has no row for ${threat.classification})`}. Response: {words(row.response).toLowerCase()}. Score: {Math.round(threat.score)}.
    </Text>
  );
}

function Verdicts({ explanation }: { explanation: Explanation }) {
  const { risk, protection, compliance } = explanation;
  const { level, names } = whatWouldClear(explanation);
  return (
    <>
      <Text size="sm" component="div">
        Risk <RiskBadge level={risk.level} /> since <Time at={risk.since} />:{' '}
        {names.length === 0 ? 'no open threat is rated.' : <>the highest among the open threats ({and(names)}). Once {names.length === 1 ? 'it is' : 'they are'} resolved, it is <RiskBadge level={level} />.</>}
      </Text>
      <Text size="sm" component="div">
        Protection <StatusBadge status={protection.status} /> since <Time at={protection.since} />:{' '}
        {protection.silent ? <>nothing has been heard of the device since <Time at={protection.last_contact} />.</> : protection.reported ? 'that is what the sensor said last.' : 'the sensor has not said anything yet.'}
      </Text>
      <Text size="sm" component="div">
        Compliance <StatusBadge status={compliance.compliance} /> since <Time at={compliance.since} />: {complianceReason(compliance)}.
      </Text>
    </>
  );
}

function complianceReason({ compliance, risk, not_compliant_from: from, protection }: Explanation['compliance']): string {
  switch (compliance) {
    case 'not_compliant':
      return `the risk level ${risk} is at or above ${from}`;
    case 'compliant':
      return `the sensor is activated and the risk level ${risk} is below ${from}`;
    case 'unknown':
      return `the sensor is ${protection}, so nobody can tell`;
  }
}

function Tag({ tag, explanation }: { tag: ExplainedTag; explanation: Explanation }) {
  const threat = explanation.threats.find(({ id }) => id === tag.threat);
  const because = {
    set: 'somebody set it',
    risk: `the risk level is ${explanation.risk.level}`,
    protection: `the protection is ${explanation.protection.status}`,
    threat: 'there is an open threat of that kind',
  };
  return (
    <Text size="sm" component="div">
      <Link to="/devices" search={{ tag_id: tag.id }}>{tag.name}</Link>{tag.since && <> since <Time at={tag.since} /></>}: {because[tag.because]}
      {threat && <> (<ThreatLink id={threat.id}>{threat.name}</ThreatLink>)</>}.
    </Text>
  );
}

const MARKS: Record<Verdict, string> = { yes: 'holds', no: 'does not hold', unknown: 'not known' };

function SmartGroup({ group }: { group: ExplainedGroup }) {
  return (
    <div>
      <Text size="sm" component="div">
        <SmartGroupLink id={group.id}>{group.name}</SmartGroupLink>
        {group.since && <> since <Time at={group.since} /></>}
        {group.verdict === 'unknown' && `: whether it matches is not known, so the device ${group.member ? 'stays in it' : 'stays out of it'}`}
        {group.because.length === 0 && ': it asks for nothing in particular'}
      </Text>
      <ul style={{ margin: 0, paddingInlineStart: 20 }}>
        {group.because.map((part, i) => <Text key={i} component="li" size="sm"><Text span size="sm" fw={600}>{words(MARKS[part.verdict])}:</Text> {part.text}</Text>)}
      </ul>
    </div>
  );
}

function Profile({ profile }: { profile: ExplainedProfile }) {
  const { desired, version, through } = profile;
  const should = { install: `version ${version ?? ''} should be on the device`, remove: 'should be off the device', nothing: 'nothing is asked of the device' };
  return (
    <div>
      <Text size="sm" component="div">
        {profile.name ? <ProfileLink id={profile.id}>{profile.name}</ProfileLink> : 'Deleted profile'}: {should[desired]}{profile.since && <>, since <Time at={profile.since} /></>}: {TARGET_REASONS[profile.because]}
        {through.length > 0 && <> ({through.map(({ id, name }, i) => <span key={id}>{i > 0 && ', '}<SmartGroupLink id={id}>{name}</SmartGroupLink></span>)})</>}.
      </Text>
      <Text size="sm" component="div">
        {profile.status && <>The device: <StatusBadge status={profile.status} /></>}
        {profile.detail && <> “{profile.detail}”</>}
        {profile.held_until && <> Held for its window until <Time at={profile.held_until} />.</>}
      </Text>
      {profile.without_effect.length > 0 && (
        <ul style={{ margin: 0, paddingInlineStart: 20 }}>
          {profile.without_effect.map((part) => <Text key={part} component="li" size="sm" c="dimmed">No effect: {part}</Text>)}
        </ul>
      )}
    </div>
  );
}
