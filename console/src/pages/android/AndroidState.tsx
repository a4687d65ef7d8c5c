// How the management of Android devices is doing, and what is to be done next.
import { Alert, Group, Text } from '@mantine/core';
import { IconCheck, IconClock, IconPlugX, IconUserPlus } from '@tabler/icons-react';
import type { AndroidEnterprise } from '../../api';
import { Badge } from '../../ui/badges';
import { Time } from '../../ui/Time';

const title = (text: string) => <Text span inherit c="var(--mantine-color-text)">{text}</Text>;

export function AndroidState({ saved: { state, enterprise } }: { saved: AndroidEnterprise }) {
  switch (state.state) {
    case 'not_set_up':
      return (
        <Alert color="yellow" icon={<IconPlugX aria-hidden />} title={title('Not set up: Android devices enroll with an agent only')}>
          Save the key of a service account, then sign up with Google. After that devices enroll by a QR code, and profiles restrict them by Google’s own management.
        </Alert>
      );
    case 'signing_up':
      return <Alert color="blue" icon={<IconUserPlus aria-hidden />} title={title('One step is left: sign up')}>An administrator of the organisation signs up at Google with an account that manages no enterprise yet.</Alert>;
    case 'failing':
      return (
        <Alert color="red" icon={<IconPlugX aria-hidden />} title={title('Google cannot be asked')}>
          Since <Time at={state.since} />: {state.answer}. What is in force on devices stays; changes wait.
        </Alert>
      );
    case 'connected':
      return <Group gap="xs"><Badge look={['good', IconCheck]} text="Connected" /><Text size="sm">{enterprise}, since <Time at={state.since} /></Text></Group>;
    default:
      return <Group gap="xs"><Badge look={['info', IconClock]} text="Waiting" /><Text size="sm">The server has not taken it up yet; it does so within a minute.</Text></Group>;
  }
}
