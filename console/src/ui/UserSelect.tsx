// Chooses one user, found by name or mail address.
import { Select, type SelectProps } from '@mantine/core';
import { useState } from 'react';
import { pickUser, useUserName } from './names';

export function UserSelect({ value, ...props }: Omit<SelectProps, 'data' | 'searchValue'>) {
  const [typed, setTyped] = useState('');
  const name = useUserName(value || null);
  const options = pickUser.useOptions(typed === name ? '' : typed);
  const data = value && !options.some((option) => option.value === value) ? [{ value, label: name ?? '…' }, ...options] : options;
  return (
    <Select
      label="User"
      searchable
      nothingFoundMessage="Nobody found"
      placeholder="User name or mail address"
      filter={({ options: found }) => found}
      {...props}
      data={data}
      value={value || null}
      onSearchChange={setTyped}
    />
  );
}
