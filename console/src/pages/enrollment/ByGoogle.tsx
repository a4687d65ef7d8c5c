// Enrolling an Android device by Google's management: how much of it is managed is decided first, then its code is made.
import { Button, Group, Radio, Stack, Text } from '@mantine/core';
import { useState } from 'react';
import { type AndroidEnrollment, type AndroidManagement, createAndroidEnrollment } from '../../api';
import { useSubmit } from '../../lib/submit';
import { CopyField } from '../../ui/CopyField';
import { QrCode } from '../../ui/QrCode';
import { ErrorState } from '../../ui/states';

const MANAGEMENTS: { value: AndroidManagement; label: string; description: string }[] = [
  { value: 'work_profile', label: 'Work profile', description: 'Beside what is the person’s own, which stays theirs.' },
  { value: 'fully_managed', label: 'Fully managed', description: 'The whole of a device of the organisation, which is new or was reset.' },
  { value: 'dedicated', label: 'Dedicated', description: 'The whole of a device of the organisation that is nobody’s in particular.' },
];

export function ByGoogle({ id, name }: { id: string; name: string | undefined }) {
  const [management, setManagement] = useState<AndroidManagement>('work_profile');
  const [made, setMade] = useState<AndroidEnrollment>();
  const { busy, problem, submit } = useSubmit();
  const make = async () => {
    const answer = await submit({ management }, (key) => createAndroidEnrollment({ path: { id }, body: { management }, headers: { 'Idempotency-Key': key }, throwOnError: true }));
    setMade(answer?.data);
  };
  if (made) return <Made made={made} name={name} />;
  return (
    <Stack>
      <Radio.Group label="What is managed" value={management} onChange={(value) => setManagement(MANAGEMENTS.find((each) => each.value === value)?.value ?? management)}>
        <Stack gap="xs" mt="xs">{MANAGEMENTS.map(({ value, label, description }) => <Radio key={value} value={value} label={label} description={description} />)}</Stack>
      </Radio.Group>
      {problem && <ErrorState error={problem} />}
      <Group><Button loading={busy} onClick={() => void make()}>Make a code</Button></Group>
    </Stack>
  );
}

function Made({ made, name }: { made: AndroidEnrollment; name: string | undefined }) {
  return (
    <>
      <Group justify="center"><QrCode value={made.qr_code} label={`QR code that puts an Android device of ${name ?? 'the user'} under management`} /></Group>
      <Text size="sm">
        {made.url
          ? 'On a device in use open the link there. On a new or reset one tap its first screen six times and scan the code.'
          : 'Tap the first screen of the new or reset device six times, then scan the code.'}
      </Text>
      {made.url && <CopyField label="Link" value={made.url} />}
      <CopyField label="Code to type" value={made.token} description="Where the device asks for one instead." />
    </>
  );
}
