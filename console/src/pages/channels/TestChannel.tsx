// Sends one message by the channel as it is saved, and shows what the other side said, in its own words.
import { Button, Code, Fieldset, Group, Stack, Text, TextInput } from '@mantine/core';
import { IconAlertTriangle, IconCheck, IconHelpCircle, IconSend, IconX } from '@tabler/icons-react';
import { useState } from 'react';
import { testChannel, type Tested, type Transport } from '../../api';
import { useSubmit } from '../../lib/submit';
import { count, words } from '../../lib/words';
import { Badge, type Look } from '../../ui/badges';
import { DeviceSelect } from '../../ui/DeviceSelect';
import { ErrorState } from '../../ui/states';

const OUTCOMES: Record<string, Look> = { accepted: ['good', IconCheck], deferred: ['warn', IconAlertTriangle], refused: ['bad', IconX], gone: ['bad', IconX] };

export function TestChannel({ channel, ready, unsaved }: { channel: Transport; ready: boolean; unsaved: boolean }) {
  const [to, setTo] = useState('');
  const [tested, setTested] = useState<Tested>();
  const { busy, problem, errorAt, submit } = useSubmit();
  const send = async () => {
    setTested(undefined);
    const answer = await submit({ to, at: Date.now() }, (key) => testChannel({ path: { channel }, body: { to: to.trim() }, headers: { 'Idempotency-Key': key }, throwOnError: true }));
    setTested(answer?.data);
  };
  return (
    <Fieldset legend="Send test">
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          void send();
        }}
      >
        <Stack gap="sm">
          <Text size="sm" c="dimmed">
            {!ready ? 'Save the channel first.' : unsaved ? 'The test goes by what is saved, not by the changes above.' : 'One message by what is saved, also while the channel is off. It is no notification and is not in the log.'}
          </Text>
          <Group align="flex-end">
            <To channel={channel} error={errorAt('/to')} disabled={!ready} value={to} onChange={setTo} w={280} />
            <Button type="submit" variant="default" loading={busy} disabled={!ready || !to.trim()} leftSection={<IconSend size={16} aria-hidden />}>Send test</Button>
          </Group>
          {problem && !errorAt('/to') && <ErrorState error={problem} />}
          <div role="status">
            {tested && (
              <Stack gap={4}>
                <Group gap="xs">
                  <Badge look={OUTCOMES[tested.outcome] ?? ['neutral', IconHelpCircle]} text={words(tested.outcome)} />
                  <Text size="sm">{tested.provider && `by ${tested.provider}, `}in {count(tested.took_ms)} ms. The answer:</Text>
                </Group>
                <Code block style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>{tested.answer}</Code>
              </Stack>
            )}
          </div>
        </Stack>
      </form>
    </Fieldset>
  );
}

type ToProps = { channel: Transport; error: string | undefined; disabled: boolean; value: string; onChange: (to: string) => void; w: number };

/** Whom the test goes to: an address, a number, or a device whose agent has said where the push service reaches it. */
function To({ channel, value, onChange, ...props }: ToProps) {
  switch (channel) {
    case 'email':
      return <TextInput label="To this address" type="email" placeholder="you@example.com" value={value} onChange={({ currentTarget }) => onChange(currentTarget.value)} {...props} />;
    case 'sms':
      return <TextInput label="To this number" type="tel" placeholder="+491701234567" value={value} onChange={({ currentTarget }) => onChange(currentTarget.value)} {...props} />;
    case 'apns':
    case 'fcm':
      return <DeviceSelect label="To this device" placeholder="Name or serial number" platform={channel === 'apns' ? 'ios' : 'android'} value={value || undefined} onChange={(id) => onChange(id ?? '')} {...props} />;
  }
}
