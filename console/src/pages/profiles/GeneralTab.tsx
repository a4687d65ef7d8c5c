// What a profile is called, how it comes to devices and how it leaves them.
import { Group, PasswordInput, Select, SimpleGrid, Stack, Textarea, TextInput } from '@mantine/core';
import type { AllowRemoval, AssignmentType, Deployment } from '../../api';
import { useHome, useOrganizationGroups } from '../../app/scope';
import type { ErrorAt } from '../../lib/submit';
import { words } from '../../lib/words';
import type { Draft, FullSpec } from './spec';

const HELP = {
  deployment: { managed: 'Removed when the device is unenrolled.', manual: 'Stays when the device is unenrolled.' } satisfies Record<Deployment, string>,
  assignment_type: {
    auto: 'Installed at once on devices in the smart groups.',
    optional: 'Installed when it was asked for on the device.',
    compliance: 'Installed while the device is not compliant.',
  } satisfies Record<AssignmentType, string>,
  allow_removal: {
    always: 'The person may remove it at any time.',
    with_authorization: 'The person may remove it with the password.',
    never: 'The person may not remove it.',
  } satisfies Record<AllowRemoval, string>,
};

export type TabProps = { draft: Draft; onChange: (draft: Draft) => void; errorAt: ErrorAt };

export function GeneralTab({ draft, onChange, errorAt }: TabProps) {
  const organizationGroups = useOrganizationGroups().map((group) => ({ value: group.id, label: group.name }));
  const home = useHome();
  const { spec } = draft;
  const set = (patch: Partial<FullSpec>) => onChange({ ...draft, spec: { ...spec, ...patch } });
  const order: ('label' | 'input' | 'description' | 'error')[] = ['label', 'input', 'description', 'error'];
  const choice = <K extends keyof typeof HELP>(key: K, label: string, besides = '') => (
    <Select
      label={label}
      description={(HELP[key] as Record<string, string>)[spec[key]] + besides}
      inputWrapperOrder={order}
      allowDeselect={false}
      data={Object.keys(HELP[key]).map((value) => ({ value, label: words(value) }))}
      value={spec[key]}
      onChange={(value) => set({ [key]: value } as Partial<FullSpec>)}
      error={errorAt(`/spec/${key}`)}
    />
  );
  return (
    <Stack>
      <Group grow align="flex-start">
        <TextInput label="Name" withAsterisk maxLength={100} value={draft.name} onChange={(event) => onChange({ ...draft, name: event.currentTarget.value })} error={errorAt('/name')} />
        <TextInput label="Platform" readOnly value={words(draft.platform)} error={errorAt('/platform')} />
      </Group>
      <Textarea label="Description" maxLength={1000} autosize minRows={2} value={spec.description} onChange={(event) => set({ description: event.currentTarget.value })} error={errorAt('/spec/description')} />
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        {choice('deployment', 'Deployment')}
        {choice('assignment_type', 'Assignment type')}
        {choice('allow_removal', 'Allow removal', draft.platform === 'ios' && spec.allow_removal !== 'always' ? ' On devices that are not supervised the person may remove the management with all its profiles.' : '')}
        {spec.allow_removal === 'with_authorization' ? (
          <PasswordInput label="Removal password" withAsterisk description="What the person has to type to remove it. Kept sealed, never shown again." inputWrapperOrder={order} autoComplete="new-password" value={spec.removal_password ?? ''} onFocus={(event) => event.currentTarget.select()} onChange={(event) => set({ removal_password: event.currentTarget.value || undefined })} error={errorAt('/spec/removal_password')} />
        ) : <div />}
        <Select label="Managed by" description="The organization group that manages it." inputWrapperOrder={order} searchable clearable placeholder="The default organization group" data={organizationGroups} value={spec.managed_by ?? null} onChange={(managed_by) => set({ managed_by: managed_by ?? undefined })} error={errorAt('/spec/managed_by')} />
        <Select label="Organization group" description="Where the profile lives and who may see it." inputWrapperOrder={order} searchable allowDeselect={false} data={organizationGroups} value={draft.organization_group_id ?? home?.id ?? null} onChange={(organization_group_id) => onChange({ ...draft, organization_group_id })} error={errorAt('/organization_group_id')} />
      </SimpleGrid>
    </Stack>
  );
}
