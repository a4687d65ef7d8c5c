// Resolves, ignores or reopens a threat, with the reason for the journal.
import { Button, Group, Text, Textarea } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { ignoreThreat, reopenThreat, resolveThreat, type Threat } from '../../api';
import {
  explainDeviceQueryKey, getDeviceQueryKey, getThreatQueryKey, listDevicesQueryKey, listThreatsQueryKey,
} from '../../api/@tanstack/react-query.gen';
import { Allowed } from '../../app/session';
import { newKey } from '../../lib/api';
import { FormModal } from '../../ui/FormModal';
import { toastDone } from '../../ui/toasts';
import { type Decision, effectOf, possible } from './decisions';

type Decided = Pick<Threat, 'id' | 'name' | 'status' | 'source' | 'threat_id'> & { device: { id: string; friendly_name: string }; ignored?: Threat['ignored'] };

const DECISIONS: Record<Decision, { title: string; done: string; act: typeof resolveThreat }> = {
  resolve: { title: 'Resolve', done: 'resolved', act: resolveThreat },
  ignore: { title: 'Ignore', done: 'ignored', act: ignoreThreat },
  reopen: { title: 'Reopen', done: 'reopened', act: reopenThreat },
};

/** What brings the threat back to where it was. */
const opposite = (status: Threat['status']): Decision => (status === 'open' ? 'reopen' : status === 'ignored' ? 'ignore' : 'resolve');

export function ThreatActions({ threat, size = 'compact-xs' }: { threat: Decided; size?: 'compact-xs' | 'sm' }) {
  const [decision, setDecision] = useState<Decision>();
  return (
    <Allowed right="manage_threats">
      <Group gap={4} justify="flex-end" wrap="nowrap">
        {possible(threat).map((each) => (
          <Button key={each} size={size} variant="default" aria-label={`${DECISIONS[each].title} ${threat.name} on ${threat.device.friendly_name}`} onClick={() => setDecision(each)}>
            {DECISIONS[each].title}
          </Button>
        ))}
      </Group>
      {decision && <DecisionForm threat={threat} decision={decision} onClose={() => setDecision(undefined)} />}
    </Allowed>
  );
}

function DecisionForm({ threat, decision, onClose }: { threat: Decided; decision: Decision; onClose: () => void }) {
  const queries = useQueryClient();
  const { title, done, act } = DECISIONS[decision];
  const form = useForm({
    initialValues: { reason: '' },
    validate: { reason: (reason) => (reason.trim() ? null : 'Enter a reason') },
  });
  const decide = (how: typeof act, reason: string, key: string) =>
    how({ path: { id: threat.id }, body: { reason }, headers: { 'Idempotency-Key': key }, throwOnError: true });
  const refresh = () => {
    const device = { path: { id: threat.device.id } };
    const keys = [getThreatQueryKey({ path: { id: threat.id } }), listThreatsQueryKey(), listDevicesQueryKey(), getDeviceQueryKey(device), explainDeviceQueryKey(device)];
    return Promise.all(keys.map((queryKey) => queries.invalidateQueries({ queryKey })));
  };
  const save = async ({ reason }: { reason: string }, key: string) => {
    await decide(act, reason.trim(), key);
    toastDone(`${threat.name} ${done}`, async () => {
      const back = DECISIONS[opposite(threat.status)].act;
      await decide(back, threat.ignored?.reason ?? `Undone: ${reason.trim()}`, newKey());
      await refresh();
    });
    await refresh();
  };
  return (
    <FormModal title={`${title} ${threat.name}`} form={form} submitLabel={title} onSubmit={save} onClose={onClose}>
      <Text size="sm">On {threat.device.friendly_name}. {effectOf(decision, threat)}</Text>
      <Textarea label="Reason" description="Kept in the journal." withAsterisk autosize minRows={2} maxLength={500} data-autofocus {...form.getInputProps('reason')} />
    </FormModal>
  );
}
