// Asks Google with what is saved, and shows what it answers.
import { Button, Code, Fieldset, Group, Stack, Text } from '@mantine/core';
import { IconCheck, IconX } from '@tabler/icons-react';
import { useState } from 'react';
import { type AndroidCheck, checkAndroidEnterprise } from '../../api';
import { useSubmit } from '../../lib/submit';
import { words } from '../../lib/words';
import { Badge } from '../../ui/badges';
import { Facts } from '../../ui/Section';
import { ErrorState } from '../../ui/states';

export function CheckAndroid({ ready, unsaved }: { ready: boolean; unsaved: boolean }) {
  const [answer, setAnswer] = useState<AndroidCheck>();
  const { busy, problem, submit } = useSubmit();
  const check = async () => {
    setAnswer(undefined);
    const checked = await submit({ at: Date.now() }, (key) => checkAndroidEnterprise({ headers: { 'Idempotency-Key': key }, throwOnError: true }));
    setAnswer(checked?.data);
  };
  return (
    <Fieldset legend="Check">
      <Stack gap="sm">
        <Text size="sm" c="dimmed">
          {!ready ? 'Sign up first.' : unsaved ? 'The check goes by what is saved, not by the changes above.' : 'Whether Google can be asked by what is saved. Has it publish news to the topic where it does not.'}
        </Text>
        <Group><Button variant="default" loading={busy} disabled={!ready} onClick={() => void check()}>Check</Button></Group>
        {problem && <ErrorState error={problem} />}
        <div role="status">
          {answer && (
            <Stack gap={4}>
              <Group gap="xs">
                <Badge look={answer.works ? ['good', IconCheck] : ['bad', IconX]} text={answer.works ? 'Works' : 'Does not work'} />
                <Text size="sm">Google’s answer:</Text>
              </Group>
              <Code block style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>{answer.answer}</Code>
              <Facts facts={[['Enterprise', answer.display_name], ['Publishes to', answer.topic], ['News of', answer.notifications.map((kind) => words(kind.toLowerCase())).join(', ') || null]]} />
            </Stack>
          )}
        </div>
      </Stack>
    </Fieldset>
  );
}
