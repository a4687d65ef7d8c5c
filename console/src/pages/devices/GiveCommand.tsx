// Gives a device a command: what belongs to it is entered here, and for what does harm the name of the device once more.
import { Alert, Autocomplete, Checkbox, NumberInput, PasswordInput, SegmentedControl, SimpleGrid, Stack, Text, Textarea, TextInput } from '@mantine/core';
import { useForm, type UseFormReturnType } from '@mantine/form';
import { useDebouncedValue } from '@mantine/hooks';
import { IconAlertTriangle } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { createDeviceCommand, type Device } from '../../api';
import { listDeviceAppsOptions } from '../../api/@tanstack/react-query.gen';
import { FormModal } from '../../ui/FormModal';
import { KeyText } from '../../ui/KeyText';
import { toastDone } from '../../ui/toasts';
import { type CommandDraft, EMPTY, needsName, type Offer, requestOf, requestType, type Switched } from './commands';
import { useRefreshDevice } from './device';

const WEEK = 168;
const LONGEST = 2160;

type Values = { command: CommandDraft; confirm: string; expires_in_hours: number | '' };
type Form = UseFormReturnType<Values>;
type Props = { device: Device; offer: Offer; onClose: () => void };

export function GiveCommand({ device, offer, onClose }: Props) {
  const { kind, label, text } = offer;
  const name = device.friendly_name;
  const refresh = useRefreshDevice(device.id);
  const form = useForm<Values>({
    initialValues: { command: EMPTY, confirm: '', expires_in_hours: WEEK },
    validate: {
      confirm: (typed, { command }) => (!needsName(requestType(device.platform, kind, command)) || typed === name ? null : 'This is not the name of the device'),
      expires_in_hours: (hours) => (hours !== '' && hours >= 1 && hours <= LONGEST ? null : `Between 1 and ${LONGEST} hours`),
    },
  });
  // The server may know better what is harmful.
  const asksName = needsName(requestType(device.platform, kind, form.values.command)) || Boolean(form.errors.confirm);
  const give = async ({ command, confirm, expires_in_hours }: Values, key: string) => {
    await createDeviceCommand({
      path: { id: device.id },
      body: { command: requestOf(kind, command), confirm: confirm || undefined, expires_in_hours: Number(expires_in_hours) },
      headers: { 'Idempotency-Key': key },
      throwOnError: true,
    });
    toastDone(`${label}: waits for ${name} to come`);
    await refresh();
  };
  return (
    <FormModal title={`${label}: ${name}`} form={form} submitLabel={label} onSubmit={give} onClose={onClose} grave={asksName} size={kind === 'raw' ? 'lg' : undefined}>
      <Text size="sm">{text}</Text>
      <Fields device={device} offer={offer} form={form} />
      {form.errors.command && <Text size="sm" c="var(--mantine-color-error)" role="alert">{form.errors.command}</Text>}
      <NumberInput label="Ends after" description="If the device has not answered by then, it is not given the command any more." suffix=" hours" min={1} max={LONGEST} allowDecimal={false} {...form.getInputProps('expires_in_hours')} />
      {asksName && <TextInput label={`Type “${name}” to confirm`} autoComplete="off" {...form.getInputProps('confirm')} />}
    </FormModal>
  );
}

function Fields({ device, offer: { kind }, form }: { device: Device; offer: Offer; form: Form }) {
  const of = (member: keyof CommandDraft) => form.getInputProps(`command.${member}`);
  const box = (member: keyof CommandDraft) => form.getInputProps(`command.${member}`, { type: 'checkbox' });
  switch (kind) {
    case 'device_lock':
      return device.platform === 'ios' && (
        <>
          <Textarea label="Message" description="Shown on the lock screen." autosize minRows={2} maxLength={500} data-autofocus {...of('message')} />
          <TextInput label="Phone number" description="To call whoever misses it." type="tel" maxLength={50} {...of('phone_number')} />
        </>
      );
    case 'enable_lost_mode':
      return (
        <>
          <Textarea label="Message" description="This, or the number, is needed." autosize minRows={2} maxLength={500} data-autofocus {...of('message')} />
          <TextInput label="Phone number" type="tel" maxLength={50} {...of('phone_number')} />
          {device.platform === 'ios' && <TextInput label="Footnote" maxLength={500} {...of('footnote')} />}
        </>
      );
    case 'clear_passcode':
      return <Grave>Until its owner sets a new passcode, everything on the device is open to whoever holds it.</Grave>;
    case 'reset_password':
      return (
        <>
          <PasswordInput label="New passcode" description="4 to 256 characters. Left empty the passcode is taken off: whoever holds the device is in." autoComplete="new-password" maxLength={256} data-autofocus {...of('new_password')} />
          <Checkbox label="Lock the device at once" {...box('lock_now')} />
          <Checkbox label="Nobody changes it until the person has entered it" {...box('require_entry')} />
        </>
      );
    case 'relinquish_ownership':
      return <Grave>The device is the person’s from then on and cannot be managed again until it is reset. It cannot be undone.</Grave>;
    case 'erase_device': {
      const profile = device.management === 'work_profile' && device.ownership === 'employee_owned';
      return (
        <>
          <Grave>
            {profile
              ? 'The work profile goes, with all apps and data in it. What is the person’s stays. It cannot be undone.'
              : 'Everything on the device goes: apps, accounts, photos, the management. It cannot be undone, nor taken back once the device has it. To take off only what is managed, unenroll it instead.'}
          </Grave>
          {!profile && <Checkbox label="Keep the cellular plan" {...box('preserve_data_plan')} />}
          {device.platform === 'ios' && <Checkbox label="Do not offer to set it up from a device nearby" {...box('disallow_proximity_setup')} />}
        </>
      );
    }
    case 'remove_application':
      return <App device={device} form={form} />;
    case 'settings': {
      const supervised = device.management === 'supervised';
      return (
        <>
          <TextInput label="Name" description={supervised ? 'What the device calls itself. Empty: it stays.' : 'Supervised devices only.'} disabled={!supervised} maxLength={100} {...of('device_name')} />
          <SimpleGrid cols={{ base: 1, xs: 2 }}>
            <OnOff label="Bluetooth" note={supervised ? undefined : 'Supervised devices only.'} {...of('bluetooth')} />
            <OnOff label="Data while roaming" {...of('data_roaming')} />
            <OnOff label="Calls while roaming" {...of('voice_roaming')} />
            <OnOff label="Personal hotspot" {...of('personal_hotspot')} />
          </SimpleGrid>
        </>
      );
    }
    case 'raw':
      return (
        <KeyText
          label="Command" accept=".plist,.xml,application/xml" withAsterisk data-autofocus placeholder="<plist version=&quot;1.0&quot;><dict><key>RequestType</key>…"
          description="A property list in XML: a dictionary with RequestType. It is handed over as it is." maxRows={16} styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }} {...of('plist')}
        />
      );
    default:
      return null;
  }
}

const Grave = ({ children }: { children: string }) => (
  <Alert color="red" icon={<IconAlertTriangle aria-hidden />}>{children}</Alert>
);

function App({ device, form }: { device: Device; form: Form }) {
  const props = form.getInputProps('command.identifier');
  const [q] = useDebouncedValue(String(props.value).trim(), 250);
  const { data } = useQuery(listDeviceAppsOptions({ path: { id: device.id }, query: { q: q || undefined, limit: 20 } }));
  const found = [...new Map((data?.items ?? []).map((app) => [app.identifier, app.name])).entries()];
  return (
    <Autocomplete
      label="App" withAsterisk data-autofocus description="Its identifier. Only apps that management installed can be removed." placeholder="com.example.app" maxLength={200}
      data={found.map(([identifier]) => identifier)} filter={({ options }) => options} {...props}
      renderOption={({ option }) => <div><Text size="sm">{found.find(([identifier]) => identifier === option.value)?.[1] ?? option.value}</Text><Text size="xs" c="dimmed">{option.value}</Text></div>}
    />
  );
}

type OnOffProps = { label: string; note?: string; value?: Switched; onChange?: (value: Switched) => void };

/** On, off, or as it is. */
function OnOff({ label, note, value, onChange }: OnOffProps) {
  return (
    <Stack gap={4} role="group" aria-label={label}>
      <Text size="sm" fw={500}>{label}</Text>
      <SegmentedControl
        size="xs" disabled={Boolean(note)} aria-label={label} value={value} onChange={(chosen) => onChange?.(chosen === 'on' || chosen === 'off' ? chosen : '')}
        data={[{ value: '', label: 'As it is' }, { value: 'on', label: 'On' }, { value: 'off', label: 'Off' }]}
      />
      {note && <Text size="xs" c="dimmed">{note}</Text>}
    </Stack>
  );
}
