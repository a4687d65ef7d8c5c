// Makes an enrollment token for a user, and shows it once.
import { NumberInput, Select } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useQueryClient } from '@tanstack/react-query';
import { useRef, useState } from 'react';
import { createEnrollmentToken, type CreatedEnrollmentToken, type Platform } from '../../api';
import { listEnrollmentTokensQueryKey } from '../../api/@tanstack/react-query.gen';
import { words } from '../../lib/words';
import { FormModal } from '../../ui/FormModal';
import { UserSelect } from '../../ui/UserSelect';
import { EnrollmentQr } from './EnrollmentQr';

const PLATFORMS: Platform[] = ['android', 'ios'];
const LONGEST = 720;

/** `userId` is who it is for, if that is decided already. */
export function NewEnrollmentToken({ userId, onClose }: { userId?: string; onClose: () => void }) {
  const [made, setMade] = useState<CreatedEnrollmentToken>();
  return made ? <EnrollmentQr made={made} onClose={onClose} /> : <TokenForm userId={userId} onMade={setMade} onClose={onClose} />;
}

type Values = { user_id: string; platform: string; expires_in_hours: number | '' };
type FormProps = { userId?: string; onMade: (made: CreatedEnrollmentToken) => void; onClose: () => void };

function TokenForm({ userId, onMade, onClose }: FormProps) {
  const queries = useQueryClient();
  const made = useRef<CreatedEnrollmentToken>(undefined);
  const form = useForm<Values>({
    initialValues: { user_id: userId ?? '', platform: '', expires_in_hours: 72 },
    validate: {
      user_id: (id) => (id ? null : 'Choose a user'),
      expires_in_hours: (hours) => (hours !== '' && hours >= 1 && hours <= LONGEST ? null : `Between 1 and ${LONGEST} hours`),
    },
  });
  const save = async ({ user_id, platform, expires_in_hours }: Values, key: string) => {
    const { data } = await createEnrollmentToken({
      body: { user_id, platform: PLATFORMS.find((each) => each === platform) ?? null, expires_in_hours: Number(expires_in_hours) },
      headers: { 'Idempotency-Key': key },
      throwOnError: true,
    });
    made.current = data;
    await queries.invalidateQueries({ queryKey: listEnrollmentTokensQueryKey() });
  };
  return (
    <FormModal title="Enroll a device" form={form} submitLabel="Make token" onSubmit={save} onClose={() => (made.current ? onMade(made.current) : onClose())}>
      <UserSelect withAsterisk {...form.getInputProps('user_id')} onChange={(value) => form.setFieldValue('user_id', value ?? '')} />
      <Select label="Platform" description="Limits the token to it." placeholder="Any" clearable data={PLATFORMS.map((value) => ({ value, label: words(value) }))} {...form.getInputProps('platform')} value={form.values.platform || null} onChange={(value) => form.setFieldValue('platform', value ?? '')} />
      <NumberInput label="Good for" suffix=" hours" min={1} max={LONGEST} allowDecimal={false} {...form.getInputProps('expires_in_hours')} />
    </FormModal>
  );
}
