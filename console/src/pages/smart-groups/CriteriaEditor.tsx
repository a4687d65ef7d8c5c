// Criteria over devices: all that are given have to hold, within one any of its values. Also used by profiles.
import { ActionIcon, Button, Group, Input, MultiSelect, SegmentedControl, Select, SimpleGrid, Stack, TextInput } from '@mantine/core';
import { IconPlus, IconX } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import type {
  Compliance, EnrollmentCategory, ManagementType, ModelMatch, Ownership, Platform, PlatformRange, ProtectionStatus, RiskLevel,
} from '../../api';
import type { ErrorAt } from '../../lib/submit';
import { words } from '../../lib/words';
import { RISK_LEVELS } from '../../ui/badges';
import { PickOrganizationGroups, PickTags, PickUserGroups } from '../../ui/PickMany';
import type { FullCriteria } from './selection';

const OWNERSHIPS: Ownership[] = ['corporate_dedicated', 'corporate_shared', 'employee_owned'];
const MANAGEMENT_TYPES: ManagementType[] = ['fully_managed', 'work_profile', 'dedicated', 'supervised', 'device_enrollment', 'user_enrollment', 'agent'];
const ENROLLMENT_CATEGORIES: EnrollmentCategory[] = ['automated', 'staged', 'self_service'];
const COMPLIANCES: Compliance[] = ['compliant', 'not_compliant', 'unknown'];
const PROTECTION_STATUSES: ProtectionStatus[] = ['pending', 'activated', 'deactivated', 'disconnected', 'unreachable'];
const PLATFORMS: Platform[] = ['android', 'ios'];

type Props = {
  value: FullCriteria;
  onChange: (value: FullCriteria) => void;
  errorAt: ErrorAt;
  /** Where the criteria are in what is sent, as a JSON pointer. */
  at: string;
};

const choices = (values: readonly string[]) => values.map((value) => ({ value, label: words(value) }));

export function CriteriaEditor({ value, onChange, errorAt, at }: Props) {
  const set = (patch: Partial<FullCriteria>) => onChange({ ...value, ...patch });
  const several = <T extends string>(key: keyof FullCriteria, label: string, chosen: T[], values: readonly T[]) => (
    <MultiSelect
      label={label}
      placeholder={chosen.length ? undefined : 'Any'}
      data={choices(values)}
      value={chosen}
      onChange={(next) => set({ [key]: next } as Partial<FullCriteria>)}
      error={errorAt(`${at}/${key}`)}
    />
  );
  const named = (key: 'organization_groups' | 'user_groups', label: string, Pick: typeof PickUserGroups) => (
    <Pick
      label={label}
      placeholder={value[key].length ? undefined : 'Any'}
      value={value[key]}
      onChange={(next) => set({ [key]: next })}
      error={errorAt(`${at}/${key}`) ?? value[key].map((_, i) => errorAt(`${at}/${key}/${i}`)).find(Boolean)}
    />
  );
  return (
    <Stack gap="sm">
      <Stack gap={4}>
        <PickTags label="Tags" placeholder={value.tags.tags.length ? undefined : 'Any'} value={value.tags.tags} onChange={(tags) => set({ tags: { ...value.tags, tags } })} error={errorAt(`${at}/tags/tags`) ?? value.tags.tags.map((_, i) => errorAt(`${at}/tags/tags/${i}`)).find(Boolean)} />
        {value.tags.tags.length > 0 && (
          <SegmentedControl
            aria-label="How many of the tags a device needs"
            size="xs"
            data={[{ value: 'any', label: 'Any of them' }, { value: 'all', label: 'All of them' }, { value: 'none', label: 'None of them' }]}
            value={value.tags.match}
            onChange={(match) => set({ tags: { ...value.tags, match: match as FullCriteria['tags']['match'] } })}
            style={{ alignSelf: 'flex-start' }}
          />
        )}
      </Stack>
      <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="sm">
        {several<RiskLevel>('risk_levels', 'Risk level', value.risk_levels, RISK_LEVELS)}
        {several('compliance', 'Compliance', value.compliance, COMPLIANCES)}
        {several('protection_statuses', 'Protection status', value.protection_statuses, PROTECTION_STATUSES)}
        {several('ownership', 'Ownership', value.ownership, OWNERSHIPS)}
        {several('management_types', 'Management type', value.management_types, MANAGEMENT_TYPES)}
        {several('enrollment_categories', 'Enrollment category', value.enrollment_categories, ENROLLMENT_CATEGORIES)}
        {named('organization_groups', 'Organization groups (with those below)', PickOrganizationGroups)}
        {named('user_groups', 'User groups', PickUserGroups)}
      </SimpleGrid>
      <Entries<PlatformRange>
        label="Platforms and OS versions"
        add="Add a platform"
        entries={value.platforms}
        fresh={{ platform: PLATFORMS.find((platform) => !value.platforms.some((range) => range.platform === platform)) ?? 'android' }}
        onChange={(platforms) => set({ platforms })}
        error={errorAt(`${at}/platforms`)}
        render={(range, change, i) => (
          <>
            <Select aria-label={`Platform ${i + 1}`} w={120} allowDeselect={false} data={choices(PLATFORMS)} value={range.platform} onChange={(platform) => change({ ...range, platform: platform as Platform })} />
            <TextInput aria-label={`Lowest version ${i + 1}`} placeholder="From, e.g. 16.4" w={150} value={range.min_os_version ?? ''} onChange={(event) => change({ ...range, min_os_version: event.currentTarget.value.trim() || undefined })} error={errorAt(`${at}/platforms/${i}/min_os_version`)} />
            <TextInput aria-label={`Highest version ${i + 1}`} placeholder="Up to, e.g. 17" w={150} value={range.max_os_version ?? ''} onChange={(event) => change({ ...range, max_os_version: event.currentTarget.value.trim() || undefined })} error={errorAt(`${at}/platforms/${i}/max_os_version`)} />
          </>
        )}
      />
      <Entries<ModelMatch>
        label="Manufacturers and models"
        add="Add a model"
        entries={value.models}
        fresh={{}}
        onChange={(models) => set({ models })}
        error={errorAt(`${at}/models`)}
        render={(match, change, i) => (
          <>
            <TextInput aria-label={`Manufacturer ${i + 1}`} placeholder="Manufacturer" w={180} value={match.manufacturer ?? ''} onChange={(event) => change({ ...match, manufacturer: event.currentTarget.value || undefined })} error={errorAt(`${at}/models/${i}`)} />
            <TextInput aria-label={`Model ${i + 1}`} placeholder="Model" w={180} value={match.model ?? ''} onChange={(event) => change({ ...match, model: event.currentTarget.value || undefined })} />
          </>
        )}
      />
    </Stack>
  );
}

type EntriesProps<T> = {
  label: string;
  add: string;
  entries: T[];
  fresh: T;
  onChange: (entries: T[]) => void;
  error: string | undefined;
  render: (entry: T, change: (entry: T) => void, index: number) => ReactNode;
};

function Entries<T>({ label, add, entries, fresh, onChange, error, render }: EntriesProps<T>) {
  return (
    <Input.Wrapper label={label} error={error} labelElement="div">
      <Stack gap={6} align="flex-start" role="group" aria-label={label}>
        {entries.map((entry, i) => (
          <Group key={i} gap={6} align="flex-start">
            {render(entry, (next) => onChange(entries.map((each, at) => (at === i ? next : each))), i)}
            <ActionIcon variant="default" size={36} aria-label={`Remove ${label.toLowerCase()} ${i + 1}`} onClick={() => onChange(entries.filter((_, at) => at !== i))}><IconX size={16} /></ActionIcon>
          </Group>
        ))}
        <Button size="compact-sm" variant="default" leftSection={<IconPlus size={14} aria-hidden />} onClick={() => onChange([...entries, fresh])}>{add}</Button>
      </Stack>
    </Input.Wrapper>
  );
}
