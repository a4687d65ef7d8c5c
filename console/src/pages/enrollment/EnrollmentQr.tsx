// A token that was just made, in the ways a device enrolls by it: as a QR code, as a link, as text. It is shown once.
import { Alert, Button, Group, SegmentedControl, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import type { CreatedEnrollmentToken } from '../../api';
import { getAndroidEnterpriseOptions } from '../../api/@tanstack/react-query.gen';
import { words } from '../../lib/words';
import { CopyField } from '../../ui/CopyField';
import { Link } from '../../ui/Link';
import { Modal } from '../../ui/Modal';
import { useUserName } from '../../ui/names';
import { QrCode } from '../../ui/QrCode';
import { Time } from '../../ui/Time';
import { ByGoogle } from './ByGoogle';
import { WAYS, type Way, waysOf } from './ways';

export function EnrollmentQr({ made, onClose }: { made: CreatedEnrollmentToken; onClose: () => void }) {
  const name = useUserName(made.user_id);
  const google = useQuery({ ...getAndroidEnterpriseOptions(), enabled: made.platform !== 'ios', retry: false });
  // Whose reach is a part of the customer may not look at its settings, but enroll all the same.
  const ways = waysOf(made, google.data ? google.data.enterprise !== null : [403, 404].includes(google.error?.status ?? 0));
  const [chosen, setChosen] = useState<Way>();
  const way = chosen ?? ways[0] ?? 'agent';
  return (
    <Modal opened onClose={onClose} title={`Enroll a device for ${name ?? '…'}`}>
      <Stack>
        <Alert color="yellow" title="Shown only now">Whoever has this code can enroll one device in this person's name. It works once, in one of the ways, and ends <Time at={made.expires_at} />.</Alert>
        {ways.length > 1 && (
          <SegmentedControl aria-label="How it enrolls" value={way} onChange={(value) => setChosen(ways.find((each) => each === value))} data={ways.map((value) => ({ value, label: WAYS[value] }))} />
        )}
        {way === 'apple' && made.enrollment_profile_url ? (
          <ByProfile url={made.enrollment_profile_url} name={name} />
        ) : way === 'google' ? (
          <ByGoogle id={made.id} name={name} />
        ) : (
          <ByAgent made={made} name={name} />
        )}
        <Group justify="flex-end"><Button onClick={onClose}>Done</Button></Group>
      </Stack>
    </Modal>
  );
}

function ByAgent({ made, name }: { made: CreatedEnrollmentToken; name: string | undefined }) {
  return (
    <>
      <Group justify="center"><QrCode value={made.url} label={`QR code that enrolls a device for ${name ?? 'the user'}`} /></Group>
      <Text size="sm">Scan it with the camera of the {made.platform ? words(made.platform) : 'Android or iOS'} device, or open the link there.</Text>
      <CopyField label="Link" value={made.url} />
      <CopyField label="Token" value={made.token} description="For an agent that asks for it." />
      {made.platform === 'ios' && !made.enrollment_profile_url && (
        <Text size="sm" c="dimmed" className="in-text">Without an agent iPhones enroll by Apple’s management, once that is set up: <Link to="/settings/apple">Apple devices</Link>.</Text>
      )}
    </>
  );
}

function ByProfile({ url, name }: { url: string; name: string | undefined }) {
  return (
    <>
      <Group justify="center"><QrCode value={url} label={`QR code that puts an iPhone or iPad of ${name ?? 'the user'} under management`} /></Group>
      <Text size="sm">
        Scan it with the camera of the iPhone or iPad, or open the link there in Safari, and allow the profile to be downloaded. Then install it in the device’s Settings, where it says Profile
        Downloaded.
      </Text>
      <CopyField label="Link to the profile" value={url} />
    </>
  );
}
