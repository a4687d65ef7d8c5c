// A new password, typed twice, with how good it is.
import { PasswordInput, Progress, Stack, Text } from '@mantine/core';
import type { UseFormReturnType } from '@mantine/form';
import { strength } from './password';

type Values = { password: string; again: string };

/** `names`: what one signs in with. */
export function NewPassword<V extends Values>({ form, names, label = 'Password' }: { form: UseFormReturnType<V>; names: string[]; label?: string }) {
  const { share, word, hint } = strength(form.getValues().password, names);
  return (
    <>
      <Stack gap={4}>
        <PasswordInput label={label} withAsterisk autoComplete="new-password" maxLength={256} {...form.getInputProps('password')} />
        <Progress value={share} size="sm" aria-label="Strength of the password" color={share < 50 ? 'red' : share < 80 ? 'yellow' : 'teal'} />
        <Text size="xs" role="status" c="dimmed">{[word, hint].filter(Boolean).join(': ')}</Text>
      </Stack>
      <PasswordInput label="The same again" withAsterisk autoComplete="new-password" maxLength={256} {...form.getInputProps('again')} />
    </>
  );
}

export const sameAgain = (again: string, { password }: Values) => (again === password ? null : 'The two are not the same');
