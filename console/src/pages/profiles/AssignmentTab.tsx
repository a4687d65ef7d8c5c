// Which devices get a profile, and when.
import { Checkbox, Fieldset, Group, Select, Stack, Switch, Text, TextInput } from '@mantine/core';
import type { InstallSchedule, Weekday } from '../../api';
import { words } from '../../lib/words';
import { PickSmartGroups } from '../../ui/PickMany';
import { CriteriaEditor } from '../smart-groups/CriteriaEditor';
import type { TabProps } from './GeneralTab';
import type { FullSpec } from './spec';

const DAYS: Weekday[] = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'];
const here = () => Intl.DateTimeFormat().resolvedOptions().timeZone;
const ZONES = [...new Set([...Intl.supportedValuesOf('timeZone'), 'UTC'])];

/** A moment as `datetime-local` shows it: local time, to the minute. */
function toLocal(at: string | null | undefined): string {
  if (!at) return '';
  const moment = new Date(at);
  return new Date(moment.getTime() - moment.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

export function AssignmentTab({ draft, onChange, errorAt }: TabProps) {
  const { spec } = draft;
  const set = (patch: Partial<FullSpec>) => onChange({ ...draft, spec: { ...spec, ...patch } });
  const groups = (key: 'assigned_groups' | 'excluded_groups') => errorAt(`/spec/${key}`) ?? spec[key].map((_, i) => errorAt(`/spec/${key}/${i}`)).find(Boolean);
  const schedule = spec.install_schedule;
  const time = (patch: Partial<InstallSchedule>) => schedule && set({ install_schedule: { ...schedule, ...patch } });
  const at = '/spec/install_schedule';
  return (
    <Stack>
      <PickSmartGroups label="Smart groups" description="Devices in any of these get it." value={spec.assigned_groups} onChange={(assigned_groups) => set({ assigned_groups })} error={groups('assigned_groups')} />
      <PickSmartGroups label="Excluded smart groups" description="Unless they are in any of these." value={spec.excluded_groups} onChange={(excluded_groups) => set({ excluded_groups })} error={groups('excluded_groups')} />
      <Switch label="Install only" description="It is not removed when a device leaves the smart groups." checked={spec.install_only} onChange={(event) => set({ install_only: event.currentTarget.checked })} />
      <Fieldset legend="Schedule install time">
        <Stack gap="sm">
          <Switch label="Install only within a weekly window" checked={Boolean(schedule)} onChange={(event) => set({ install_schedule: event.currentTarget.checked ? { days: DAYS.slice(0, 5), from: '22:00', until: '05:00', time_zone: here() } : undefined })} />
          {schedule && (
            <>
              <Checkbox.Group label="Opens on" value={schedule.days} onChange={(days) => time({ days: DAYS.filter((day) => days.includes(day)) })} error={errorAt(`${at}/days`)}>
                <Group gap="sm" mt={4}>{DAYS.map((day) => <Checkbox key={day} value={day} label={words(day)} />)}</Group>
              </Checkbox.Group>
              <Group align="flex-start">
                <TextInput type="time" label="From" value={schedule.from} onChange={(event) => time({ from: event.currentTarget.value })} error={errorAt(`${at}/from`)} />
                <TextInput type="time" label="Until" description={schedule.until <= schedule.from ? 'on the next day' : undefined} inputWrapperOrder={['label', 'input', 'description', 'error']} value={schedule.until} onChange={(event) => time({ until: event.currentTarget.value })} error={errorAt(`${at}/until`)} />
                <Select label="Time zone" searchable allowDeselect={false} limit={100} data={ZONES.includes(schedule.time_zone) ? ZONES : [schedule.time_zone, ...ZONES]} value={schedule.time_zone} onChange={(zone) => zone && time({ time_zone: zone })} error={errorAt(`${at}/time_zone`)} />
              </Group>
            </>
          )}
        </Stack>
      </Fieldset>
      <TextInput type="datetime-local" label="Removal date" description="From this time on it is removed everywhere. Left blank: never." maw={320} value={toLocal(spec.removal_date)} onChange={(event) => set({ removal_date: event.currentTarget.value ? new Date(event.currentTarget.value).toISOString() : undefined })} error={errorAt('/spec/removal_date')} />
      <Fieldset legend="Additional assignment criteria: install only on devices that match">
        <Text size="sm" c="dimmed" mb="sm">All that are given have to hold. None: all devices of the smart groups with this platform.</Text>
        <CriteriaEditor value={spec.install_criteria} onChange={(install_criteria) => set({ install_criteria })} errorAt={errorAt} at="/spec/install_criteria" />
      </Fieldset>
    </Stack>
  );
}
