// One row of the Protections table in full; those who may change it see the effect on devices first. What is said of it is
// beside.
import { Anchor, Button, Group, Select, Stack, Text } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { type ClassificationWithTexts, editClassification, previewClassification, type PreviewAnswer, resetClassification, type Response, type RiskLevel } from '../../api';
import { getClassificationQueryKey, listClassificationsQueryKey } from '../../api/@tanstack/react-query.gen';
import { useRights } from '../../app/session';
import type { Problem } from '../../lib/api';
import { useSubmit } from '../../lib/submit';
import { words } from '../../lib/words';
import { Modal } from '../../ui/Modal';
import { RISK_LEVELS, RiskBadge } from '../../ui/badges';
import { Effect, type EffectWords } from '../../ui/Effect';
import { PageTabs } from '../../ui/PageTabs';
import { ErrorState } from '../../ui/states';
import { toastDone } from '../../ui/toasts';
import { defaultsOf, isChanged, same, type Setting, settingOf } from './rows';
import { RESPONSES } from './search';
import { Texts } from './Texts';

const SAYS: EffectWords = {
  matching: 'with such a threat open', gaining: 'would be at a higher risk', losing: 'at a lower',
  gains: 'rises', loses: 'falls', stays: 'stays as it is',
};

/** What a response does besides rating the device. */
const RESPONSE_HELP: Record<Response, string> = {
  alert: 'The user is told.',
  do_not_alert: 'Nobody is told; the threat is shown in the console only.',
  block_domain: 'The user is told, and the sensor keeps the device from the domain.',
  block_internet: 'The user is told, and the sensor cuts the device off from the internet until the threat is gone.',
};

type Props = { row: ClassificationWithTexts; onClose: () => void; onJob: (id: string | null | undefined) => void };

export function ProtectionsRow({ row, onClose, onJob }: Props) {
  return (
    <Modal opened onClose={onClose} title={row.name} size="lg">
      <Stack>
        <Group gap="lg">
          <Fact name="Family">{words(row.family)}</Fact>
          <Fact name="Platforms">{row.platforms.map(words).join(', ')}</Fact>
          <Fact name="Score">{row.behaviour ? 'Behaviour: fades over days' : 'Ends with the threat'}</Fact>
          {row.technique && (
            <Fact name="MITRE ATT&CK">
              <Anchor size="sm" href={`https://attack.mitre.org/techniques/${row.technique.id.replace('.', '/')}/`} target="_blank" rel="noreferrer">{row.technique.id} {row.technique.name}</Anchor>
            </Fact>
          )}
        </Group>
        <PageTabs
          tabs={[
            { value: 'rating', label: 'Risk and response', content: <Rating row={row} onClose={onClose} onJob={onJob} /> },
            { value: 'texts', label: 'Texts', content: <Texts row={row} /> },
          ]}
        />
      </Stack>
    </Modal>
  );
}

function Rating(props: Props) {
  const { row } = props;
  const mayEdit = useRights()('edit_protections');
  return (
    <Stack>
      <Fact name="The user is told">{row.user_text}</Fact>
      <Fact name="What to do">{row.admin_text}</Fact>
      {mayEdit ? <Change {...props} /> : (
        <Group gap="lg">
          <Fact name="Risk level"><RiskBadge level={row.risk_level} /></Fact>
          <Fact name="Default"><RiskBadge level={row.default_risk_level} /></Fact>
          <Fact name="Response">{words(row.response)}</Fact>
        </Group>
      )}
    </Stack>
  );
}

const Fact = ({ name, children }: { name: string; children: React.ReactNode }) => (
  <div>
    <Text size="xs" c="dimmed">{name}</Text>
    <Text size="sm" component="div">{children}</Text>
  </div>
);

function Change({ row, onClose, onJob }: Props) {
  const queries = useQueryClient();
  const [setting, setSetting] = useState(() => settingOf(row));
  const { busy, problem, submit } = useSubmit();
  const unchanged = same(setting, settingOf(row));
  const rerates = setting.risk_level !== row.risk_level;
  const asked = { classification: row.id, risk_level: setting.risk_level };
  const preview = useQuery<PreviewAnswer, Problem>({
    queryKey: ['previewClassification', asked, row.version],
    queryFn: async ({ signal }) => (await previewClassification({ body: asked, signal, throwOnError: true })).data,
    enabled: rerates,
  });

  const put = async (to: Setting, version: number) => {
    const path = { id: row.id };
    const answer = same(to, defaultsOf(row))
      ? await resetClassification({ path, query: { version }, throwOnError: true })
      : await editClassification({ path, body: { ...to, version }, throwOnError: true });
    await Promise.all([listClassificationsQueryKey(), getClassificationQueryKey({ path })].map((queryKey) => queries.invalidateQueries({ queryKey })));
    return answer.data;
  };
  const apply = async () => {
    const done = await submit(setting, () => put(setting, row.version));
    if (!done) return;
    onJob(done.job_id);
    toastDone(`${row.name}: ${words(done.risk_level)}, ${words(done.response).toLowerCase()}`, async () => {
      onJob((await put(settingOf(row), done.version)).job_id);
    });
  };
  const level = (value: RiskLevel) => ({ value, label: value === row.default_risk_level ? `${words(value)} (default)` : words(value) });
  const response = (value: Response) => ({ value, label: value === row.default_response ? `${words(value)} (default)` : words(value) });
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void apply();
      }}
    >
      <Stack>
        <Group grow align="flex-start">
          <Select label="Risk level" allowDeselect={false} data={RISK_LEVELS.map(level)} value={setting.risk_level} onChange={(value) => value && setSetting({ ...setting, risk_level: value as RiskLevel })} />
          <Select label="Response" description={RESPONSE_HELP[setting.response]} inputWrapperOrder={['label', 'input', 'description', 'error']} allowDeselect={false} data={RESPONSES.map(response)} value={setting.response} onChange={(value) => value && setSetting({ ...setting, response: value as Response })} />
        </Group>
        {rerates && <Effect query={preview} says={SAYS} />}
        {!rerates && !unchanged && <Text size="sm" role="status">No device's risk changes. The new response applies to what is found from now on.</Text>}
        {problem && <ErrorState error={problem} />}
        <Group justify="space-between">
          {isChanged(row) ? <Button variant="default" disabled={same(setting, defaultsOf(row))} onClick={() => setSetting(defaultsOf(row))}>Back to the default</Button> : <span />}
          <Group gap="xs">
            <Button variant="default" onClick={onClose}>Cancel</Button>
            <Button type="submit" loading={busy} disabled={unchanged || (rerates && preview.isPending)}>Apply</Button>
          </Group>
        </Group>
      </Stack>
    </form>
  );
}
