// The settings to change: saved together, with the version they are based on; shows what the change sets off.
import { Button, Checkbox, ColorInput, Fieldset, Group, NumberInput, Select, SimpleGrid, Stack, Switch, TagsInput, Text, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { type Channel, type DigestFrequency, type RiskLevel, type Settings, type SettingsAnswer, setSettings, type UnknownMeans } from '../../api';
import { getSettingsQueryKey } from '../../api/@tanstack/react-query.gen';
import { useRights } from '../../app/session';
import type { Problem } from '../../lib/api';
import { words } from '../../lib/words';
import { showProblem } from '../../ui/FormModal';
import { JobNotice } from '../../ui/JobNotice';
import { LeaveGuard } from '../../ui/LeaveGuard';
import { ErrorState } from '../../ui/states';
import { toastDone } from '../../ui/toasts';
import { reevaluates } from './effect';
import { Logo } from './Logo';
import { PostureRules } from './PostureRules';

const FROM: RiskLevel[] = ['low', 'medium', 'high'];
const CHANNELS: Channel[] = ['email', 'sms', 'device_message'];
const DIGEST: { value: DigestFrequency; label: string }[] = [{ value: 'off', label: 'Off' }, { value: 'daily', label: 'Daily' }];
const UNKNOWN: { value: UnknownMeans; label: string }[] = [
  { value: 'unchanged', label: 'Unchanged: what is in force stays' },
  { value: 'not_compliant', label: 'Not compliant: treat it as a risk' },
];

export function SettingsForm({ answer }: { answer: SettingsAnswer }) {
  const queries = useQueryClient();
  const mayManage = useRights()('manage_settings');
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem>();
  const [job, setJob] = useState<string>();
  const form = useForm<Settings>({ initialValues: answer.settings, transformValues: withoutEmpty });
  const { version, settings } = answer;
  // Another version came in: show it, unless somebody is in the middle of a change; that is then refused as stale.
  const [based, setBased] = useState(version);
  useEffect(() => {
    if (version === based || form.isDirty()) return;
    form.setInitialValues(settings);
    form.setValues(settings);
    setBased(version);
  }, [version, based, settings, form]);

  const put = async (wanted: Settings, seen: number) => {
    const { data } = await setSettings({ body: { settings: wanted, version: seen }, throwOnError: true });
    form.setInitialValues(data.settings);
    form.setValues(data.settings);
    setBased(data.version);
    setJob(data.job_id ?? undefined);
    queries.setQueryData(getSettingsQueryKey(), data);
    return data.version;
  };
  const save = async (wanted: Settings) => {
    setBusy(true);
    setProblem(undefined);
    const before = settings;
    try {
      const now = await put(wanted, based);
      toastDone('Settings saved', () => put(before, now));
    } catch (error) {
      // The pointers begin with `/settings`, as the request does.
      const { errors, ...rest } = error as Problem;
      setProblem(showProblem(form, { ...rest, errors: errors?.map((each) => ({ ...each, pointer: each.pointer.replace(/^\/settings/, '') })) }));
    } finally {
      setBusy(false);
    }
  };
  const takeTheirs = () => {
    setProblem(undefined);
    form.reset();
    void queries.invalidateQueries({ queryKey: getSettingsQueryKey() });
  };
  const values = form.getValues();
  const dirty = form.isDirty();
  const off = (name: string) => ({ disabled: !mayManage, ...form.getInputProps(name, { type: 'checkbox' }) });
  const input = (name: string) => ({ disabled: !mayManage, ...form.getInputProps(name) });
  return (
    <form noValidate onSubmit={form.onSubmit((wanted) => void save(wanted))}>
      <Stack>
        {!mayManage && <Text size="sm" c="dimmed">Your role does not allow changing settings; somebody with the right Manage settings can.</Text>}
        <Fieldset legend="Threat Management service">
          <Switch label="Threat Management" description="Without it nobody is notified about incidents; devices are still rated and restricted." {...off('threat_management')} />
        </Fieldset>
        <Fieldset legend="End User Notification Settings">
          <Switch
            label="Account Status"
            description={values.threat_management ? 'Tell users when their risk status changes, up or down.' : 'Needs the Threat Management service, which is off.'}
            {...off('account_status')}
          />
          <SimpleGrid cols={{ base: 1, sm: 2 }} mt="sm">
            <NumberInput label="Hold-down" description="Seconds a change waits for another; those that cancel each other out are not told. 0 to 86400" suffix=" s" min={0} max={86_400} step={30} allowDecimal={false} {...input('account_status_hold_down_seconds')} />
            <Checkbox.Group label="By" description="Those a user has an address, or a device, for" {...input('account_status_channels')}>
              <Group gap="md" mt={6}>{CHANNELS.map((each) => <Checkbox key={each} value={each} label={words(each)} disabled={!mayManage} />)}</Group>
            </Checkbox.Group>
          </SimpleGrid>
        </Fieldset>
        <Fieldset legend="Digest for administrators">
          <SimpleGrid cols={{ base: 1, sm: 2 }}>
            <Select label="Digest" description="A mail about the last day, if there is something to tell" allowDeselect={false} data={DIGEST} {...input('digest.frequency')} />
            {values.digest?.frequency === 'daily' && <NumberInput label="Hour" description="Of the day, UTC, 0 to 23" min={0} max={23} allowDecimal={false} {...input('digest.hour')} />}
          </SimpleGrid>
        </Fieldset>
        <Fieldset legend="Branding">
          <SimpleGrid cols={{ base: 1, sm: 2 }}>
            <TextInput label="Organisation name" description="What messages call you; empty: Your organisation" maxLength={60} {...input('branding.organisation_name')} />
            <ColorInput label="Accent colour" description="The line above a mail" placeholder="None" format="hex" withEyeDropper={false} {...input('branding.accent_colour')} value={values.branding?.accent_colour ?? ''} />
            <TextInput label="Sender name" description="The name mails come from" maxLength={60} {...input('branding.sender_name')} />
            <TextInput label="Sender address" description="The address mails come from" type="email" {...input('branding.sender_address')} value={values.branding?.sender_address ?? ''} />
            <TextInput label="Language" description="Of messages to people whose own is not known: a tag, such as en or de" maxLength={35} {...input('branding.language')} />
            <TextInput label="Link" description="A page about what to do, for messages to lead to" type="url" placeholder="https://" maxLength={200} {...input('branding.link')} value={values.branding?.link ?? ''} />
          </SimpleGrid>
          <TextInput mt="sm" label="Help" description="How to reach the help desk, in a sentence; empty: ask your help desk" maxLength={200} {...input('branding.help')} />
          <Logo mayManage={mayManage} />
        </Fieldset>
        <Fieldset legend="Compliance">
          <SimpleGrid cols={{ base: 1, sm: 2 }}>
            <Select label="Not compliant from" description="The lowest risk level that makes a device not compliant" allowDeselect={false} data={FROM.map((value) => ({ value, label: words(value) }))} {...input('compliance.not_compliant_from')} />
            <Select label="Unknown means" description="For a device that is silent or was never protected" allowDeselect={false} data={UNKNOWN} {...input('compliance.unknown_means')} />
            <NumberInput label="Disconnected after" description="Days of silence, 1 to 90" suffix=" days" min={1} max={90} allowDecimal={false} {...input('disconnected_after_days')} />
          </SimpleGrid>
        </Fieldset>
        <PostureRules form={form} disabled={!mayManage} />
        <Fieldset legend="Scores">
          <SimpleGrid cols={{ base: 1, xs: 2, sm: 4 }}>
            {(['low', 'medium', 'high'] as const).map((level) => (
              <NumberInput key={level} label={words(level)} description="Points of an incident" min={0} max={10_000} allowDecimal={false} {...input(`scores.${level}`)} />
            ))}
            <NumberInput label="Daily decay" description="What is left after a day" min={0.01} max={0.99} step={0.01} decimalScale={2} {...input('scores.daily_decay')} />
          </SimpleGrid>
          <Text size="xs" c="dimmed" mt="xs">
            Incidents of a device score nothing once they are resolved. What somebody did, such as opening a phishing link, keeps {percent(values.scores?.daily_decay)} of its score for each
            day since.
          </Text>
        </Fieldset>
        <Fieldset legend="Trusted sources">
          <TagsInput label="Sources whose own severity decides" description="For all others Protections decides. Enter the source’s name as its detections give it." maxTags={64} {...input('trusted_sources')} />
        </Fieldset>
        <Fieldset legend="Signing in">
          <Switch label="Require a second factor" description="Whoever has none sets one up at their next request, before anything else." {...off('require_second_factor')} />
        </Fieldset>
        {problem && <ErrorState error={problem} />}
        {problem && [409, 412].includes(problem.status) && <Group><Button variant="default" onClick={takeTheirs}>Discard mine and show the settings now</Button></Group>}
        {job && <JobNotice key={job} id={job} onClose={() => setJob(undefined)} />}
        <LeaveGuard unsaved={dirty} />
        {mayManage && (
          <Group className="bottom-bar" justify="flex-end" pos="sticky" bottom={0} py="xs" style={{ zIndex: 1 }} bg="var(--mantine-color-body)">
            {dirty && <Text size="sm" mr="auto">{reevaluates(settings, values) ? 'Saving re-evaluates all devices.' : 'Saving changes no device.'}</Text>}
            <Button variant="default" disabled={!dirty || busy} onClick={form.reset}>Discard</Button>
            <Button type="submit" loading={busy} disabled={!dirty}>Save</Button>
          </Group>
        )}
      </Stack>
    </form>
  );
}

/** What was emptied is not set. */
const withoutEmpty = (values: Settings): Settings => ({
  ...values,
  posture_rules: {
    ...values.posture_rules,
    minimum_os: { android: values.posture_rules?.minimum_os?.android?.trim() || null, ios: values.posture_rules?.minimum_os?.ios?.trim() || null },
    maximum_patch_age_days: values.posture_rules?.maximum_patch_age_days || null,
  },
  branding: { ...values.branding, accent_colour: values.branding?.accent_colour || null, sender_address: values.branding?.sender_address || null, link: values.branding?.link || null },
});

const percent = (share: number | undefined) => `${Math.round(100 * (share ?? 0))} %`;
