// What devices are asked to be like: what is wrong with one becomes a threat on it.
import { Fieldset, NumberInput, SimpleGrid, TagsInput, Text, TextInput } from '@mantine/core';
import type { UseFormReturnType } from '@mantine/form';
import type { Settings } from '../../api';
import { Link } from '../../ui/Link';

const PLATFORMS = [['android', 'Android', '14', 'Package names', 'com.example.game'], ['ios', 'iOS', '17.6', 'Bundle ids', 'com.example.game']] as const;

export function PostureRules({ form, disabled }: { form: UseFormReturnType<Settings>; disabled: boolean }) {
  const rules = form.values.posture_rules;
  const at = (name: string) => ({ disabled, ...form.getInputProps(`posture_rules.${name}`) });
  // What is wrong with one entry of a list is said at the list.
  const within = (name: string) =>
    Object.entries(form.errors).flatMap(([path, error]) => (path === `posture_rules.${name}` || path.startsWith(`posture_rules.${name}.`) ? [String(error)] : [])).join('; ') || undefined;
  return (
    <Fieldset legend="Posture rules">
      <Text size="sm" c="dimmed" className="in-text" mb="xs">
        What is wrong with a device is a threat on it, until the device reports that it is right. That it has a passcode, is encrypted and not tampered with is always asked; how bad it is otherwise is
        said in <Link to="/protections" search={{ family: ['configuration', 'os'] }}>Protections</Link>.
      </Text>
      <SimpleGrid cols={{ base: 1, sm: 3 }}>
        {PLATFORMS.map(([platform, name, example]) => (
          <TextInput key={platform} label={`${name} at least`} description="Empty: any version" placeholder={example} maxLength={30} {...at(`minimum_os.${platform}`)} value={rules?.minimum_os?.[platform] ?? ''} />
        ))}
        <NumberInput label="Android patch level" description="At most this many days old; empty: any" suffix=" days" min={1} max={3650} allowDecimal={false} {...at('maximum_patch_age_days')} value={rules?.maximum_patch_age_days ?? ''} />
      </SimpleGrid>
      <SimpleGrid cols={{ base: 1, sm: 2 }} mt="sm">
        {PLATFORMS.map(([platform, name, , what, example]) => (
          <TagsInput
            key={platform} label={`Denylisted apps on ${name}`} description={`${what}; each one that is there is a threat`} placeholder={rules?.denylisted_apps?.[platform]?.length ? undefined : example}
            maxTags={1_000} clearable {...at(`denylisted_apps.${platform}`)} value={rules?.denylisted_apps?.[platform] ?? []} error={within(`denylisted_apps.${platform}`)}
          />
        ))}
      </SimpleGrid>
    </Fieldset>
  );
}
