// Edits what people know about a device: name, owner, place and how it is held.
import { Select, Text, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { type Device, editDevice, type EnrollmentCategory, type ManagementType, type Ownership } from '../../api';
import { words } from '../../lib/words';
import { FormModal } from '../../ui/FormModal';
import { OrganizationGroupSelect } from '../../ui/OrganizationGroupSelect';
import { toastDone } from '../../ui/toasts';
import { UserSelect } from '../../ui/UserSelect';
import { useRefreshDevice } from './device';
import { OWNERSHIPS } from './search';

const MANAGEMENT: Record<Device['platform'], ManagementType[]> = {
  android: ['fully_managed', 'work_profile', 'dedicated', 'agent'],
  ios: ['supervised', 'device_enrollment', 'user_enrollment', 'agent'],
};
const CATEGORIES: EnrollmentCategory[] = ['automated', 'staged', 'self_service'];
const options = (values: readonly string[]) => values.map((value) => ({ value, label: words(value) }));

const FIELDS = ['friendly_name', 'user_id', 'organization_group_id', 'ownership', 'management', 'enrollment_category', 'external_id', 'imei'] as const;
type Values = Record<(typeof FIELDS)[number], string>;

const valuesOf = (device: Device): Values => ({
  friendly_name: device.friendly_name,
  user_id: device.user?.id ?? '',
  organization_group_id: device.organization_group_id,
  ownership: device.ownership ?? '',
  management: device.management ?? '',
  enrollment_category: device.enrollment_category ?? '',
  external_id: device.external_id ?? '',
  imei: device.imei ?? '',
});

/** Only what differs, so that nothing reported meanwhile is overwritten; empty clears. */
export function editOf(before: Values, after: Values) {
  return Object.fromEntries(FIELDS.filter((key) => after[key].trim() !== before[key]).map((key) => [key, after[key].trim() || null]));
}

export function DeviceForm({ device, onClose }: { device: Device; onClose: () => void }) {
  const refresh = useRefreshDevice(device.id);
  const form = useForm<Values>({
    initialValues: valuesOf(device),
    validate: { friendly_name: (name) => (name.trim() ? null : 'Enter a name') },
  });
  const save = async (values: Values) => {
    const before = form.getInitialValues();
    const edit = (body: ReturnType<typeof editOf>) => editDevice({ path: { id: device.id }, body, throwOnError: true });
    const changes = editOf(before, values);
    if (Object.keys(changes).length === 0) return;
    await edit(changes);
    toastDone(`${values.friendly_name} changed`, async () => {
      await edit(editOf(values, before));
      await refresh();
    });
    await refresh();
  };
  const select = (key: 'ownership' | 'management' | 'enrollment_category', label: string, values: readonly (Ownership | ManagementType | EnrollmentCategory)[]) => (
    <Select label={label} placeholder="Not known" clearable data={options(values)} {...form.getInputProps(key)} value={form.values[key] || null} onChange={(value) => form.setFieldValue(key, value ?? '')} />
  );
  const held = form.values.management;
  const known = MANAGEMENT[device.platform];
  return (
    <FormModal title={`Edit ${device.friendly_name}`} form={form} submitLabel="Save" onSubmit={save} onClose={onClose}>
      <TextInput label="Name" withAsterisk maxLength={100} data-autofocus {...form.getInputProps('friendly_name')} />
      <UserSelect clearable {...form.getInputProps('user_id')} onChange={(value) => form.setFieldValue('user_id', value ?? '')} />
      <OrganizationGroupSelect {...form.getInputProps('organization_group_id')} onChange={(value) => form.setFieldValue('organization_group_id', value ?? '')} />
      {select('ownership', 'Ownership', OWNERSHIPS)}
      {select('management', 'Management', known.some((each) => each === held) || !held ? known : [...known, held as ManagementType])}
      {select('enrollment_category', 'Enrollment category', CATEGORIES)}
      <TextInput label="External id" description="What another management system calls it. Messages that wait for this name are taken in." {...form.getInputProps('external_id')} />
      <TextInput label="IMEI" inputMode="numeric" {...form.getInputProps('imei')} />
      <Text size="sm" c="dimmed">Tags, smart groups and profiles follow at once.</Text>
    </FormModal>
  );
}
