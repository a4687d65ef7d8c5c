// Connects a feed, or changes how it is read.
import { PasswordInput, Text, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useQueryClient } from '@tanstack/react-query';
import { createIntegration, editIntegration, type Integration } from '../../api';
import { listIntegrationsQueryKey } from '../../api/@tanstack/react-query.gen';
import { FormModal } from '../../ui/FormModal';
import { toastDone } from '../../ui/toasts';

export function IntegrationForm({ integration, onClose }: { integration?: Integration; onClose: () => void }) {
  const queries = useQueryClient();
  const moved = (url: string) => integration !== undefined && url.trim() !== integration.base_url;
  const form = useForm({
    initialValues: { name: integration?.name ?? 'Lookout', base_url: integration?.base_url ?? 'https://api.lookout.com', application_key: '' },
    validate: {
      name: (name) => (name.trim() ? null : 'Enter a name'),
      base_url: (url) => (URL.canParse(url.trim()) ? null : 'Enter the address, for example https://api.lookout.com'),
      application_key: (key, { base_url }) =>
        key || (integration && !moved(base_url)) ? null : integration ? 'Another address needs the key anew, so that a key never goes where it was not meant to' : 'Enter the key',
    },
  });
  const save = async (values: ReturnType<typeof form.getValues>, key: string) => {
    const [name, base_url] = [values.name.trim(), values.base_url.trim()];
    if (integration) {
      await editIntegration({
        path: { id: integration.id },
        body: { name, base_url: moved(base_url) ? base_url : undefined, application_key: values.application_key || undefined, version: integration.version },
        throwOnError: true,
      });
    } else {
      await createIntegration({ body: { kind: 'lookout', name, base_url, application_key: values.application_key }, headers: { 'Idempotency-Key': key }, throwOnError: true });
    }
    toastDone(integration ? `${name} saved` : `${name} connected`);
    await queries.invalidateQueries({ queryKey: listIntegrationsQueryKey() });
  };
  return (
    <FormModal title={integration ? `Edit ${integration.name}` : 'Connect a Lookout feed'} form={form} submitLabel={integration ? 'Save' : 'Connect'} onSubmit={save} onClose={onClose}>
      {!integration && <Text size="sm" c="dimmed">Lookout’s Mobile Risk API, version 2. Create an application key in the Lookout console and enter it here.</Text>}
      <TextInput label="Name" withAsterisk maxLength={100} data-autofocus {...form.getInputProps('name')} />
      <TextInput label="Address" type="url" withAsterisk maxLength={500} description={integration && 'From another address it is read anew from the beginning.'} {...form.getInputProps('base_url')} />
      <PasswordInput label="Application key" withAsterisk={!integration} maxLength={4096} autoComplete="off" description={integration ? 'Leave it empty to keep the one in use.' : 'Kept encrypted and never shown again.'} {...form.getInputProps('application_key')} />
    </FormModal>
  );
}
