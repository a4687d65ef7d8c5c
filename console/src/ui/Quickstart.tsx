// Sets up the risk response in one step: says beforehand what it makes, afterwards what it made and why.
import { Accordion, Button, Code, Group, List, Stack, Text } from '@mantine/core';
import { IconWand } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { quickstartRiskResponse, type RiskResponse } from '../api';
import { listProfilesQueryKey, listSmartGroupsQueryKey, listTagsQueryKey } from '../api/@tanstack/react-query.gen';
import { useRights } from '../app/session';
import { useHome, useScope } from '../app/scope';
import { useSubmit } from '../lib/submit';
import { counted } from '../lib/words';
import { Modal } from './Modal';
import { ProfileLink, SmartGroupLink } from './names';
import { ErrorState } from './states';

/** A button for those who may: shown where there are no smart groups or profiles yet. */
export function QuickstartButton({ onDone }: { onDone?: (made: RiskResponse) => void }) {
  const holds = useRights();
  const [open, setOpen] = useState(false);
  if (!holds('manage_smart_groups') || !holds('manage_profiles')) return null;
  return (
    <>
      <Button leftSection={<IconWand size={16} aria-hidden />} onClick={() => setOpen(true)}>Set up the risk response</Button>
      {open && <Quickstart onDone={onDone} onClose={() => setOpen(false)} />}
    </>
  );
}

function Quickstart({ onDone, onClose }: { onDone?: (made: RiskResponse) => void; onClose: () => void }) {
  const queries = useQueryClient();
  const { og } = useScope();
  const where = useHome()?.name;
  const { busy, problem, submit } = useSubmit();
  const [made, setMade] = useState<RiskResponse>();
  const run = async () => {
    const answer = await submit({ og }, (key) =>
      quickstartRiskResponse({ body: { organization_group_id: og }, headers: { 'Idempotency-Key': key }, throwOnError: true }),
    );
    if (!answer) return;
    setMade(answer.data);
    onDone?.(answer.data);
    for (const queryKey of [listSmartGroupsQueryKey(), listProfilesQueryKey(), listTagsQueryKey()]) void queries.invalidateQueries({ queryKey });
  };
  return (
    <Modal opened onClose={onClose} title={made ? 'The risk response is set up' : 'Set up the risk response'} size="lg">
      <Stack>
        {problem && <ErrorState error={problem} />}
        {made ? <Made made={made} /> : <Plan where={where} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>{made ? 'Close' : 'Cancel'}</Button>
          {!made && <Button loading={busy} onClick={() => void run()}>Set it up</Button>}
        </Group>
      </Stack>
    </Modal>
  );
}

const Plan = ({ where }: { where: string | undefined }) => (
  <>
    <Text size="sm">
      In {where ? <b>{where}</b> : 'the organization group shown'} this makes what a device at risk is answered with. A device with an open
      threat gets the tag of its risk level, joins that level's smart group, and gets that group's profile until the threat is gone.
    </Text>
    <List size="sm" spacing={4}>
      <List.Item>Three smart groups, one for each tag: MTD Low Risk, MTD Medium Risk, MTD High Risk.</List.Item>
      <List.Item>
        Six published profiles, for Android and iOS at each level. Low closes doors nobody should need, medium keeps work data from
        leaving, high takes work off the phone. Nothing is erased, and calls, updates and removing apps stay possible.
      </List.Item>
      <List.Item>What has one of these names already is left as it is. Devices at risk now get their profile at once.</List.Item>
    </List>
  </>
);

function Made({ made }: { made: RiskResponse }) {
  const created = [...made.smart_groups, ...made.profiles].filter((each) => each.created).length;
  const mark = (each: { created: boolean }) => (each.created ? '' : ' (was there already)');
  return (
    <>
      <Text size="sm" role="status">{created > 0 ? `${counted(created, 'thing')} made; the devices concerned are being re-evaluated.` : 'Everything was there already.'}</Text>
      <List size="sm">
        {made.smart_groups.map((group) => <List.Item key={group.id}>Smart group <SmartGroupLink id={group.id}>{group.name}</SmartGroupLink>{mark(group)}</List.Item>)}
      </List>
      <Accordion variant="separated">
        {made.profiles.map((profile) => (
          <Accordion.Item key={profile.id} value={profile.id}>
            <Accordion.Control><Text size="sm">Profile {profile.name}{mark(profile)}: {counted(profile.explanation.length, 'part')}, and why</Text></Accordion.Control>
            <Accordion.Panel>
              <Stack gap={4}>
                <ProfileLink id={profile.id}>Open {profile.name}</ProfileLink>
                {profile.explanation.map(({ pointer, why }) => (
                  <Text key={pointer} size="sm"><Code>{pointer.split('/').slice(2).join(' ').replace(/^settings /, '')}</Code> {why}</Text>
                ))}
              </Stack>
            </Accordion.Panel>
          </Accordion.Item>
        ))}
      </Accordion>
    </>
  );
}
