// Chooses one enrolled device, found by name or serial number; without a search the newest are offered.
import { Select, type SelectProps } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import type { Platform } from '../api';
import { getDeviceOptions, listDevicesOptions } from '../api/@tanstack/react-query.gen';

type Props = Omit<SelectProps, 'data' | 'filter' | 'value' | 'onChange' | 'searchValue' | 'onSearchChange'> & {
  value: string | undefined;
  onChange: (id: string | undefined) => void;
  platform?: Platform;
};

export function DeviceSelect({ value, onChange, platform, ...props }: Props) {
  const [typed, setTyped] = useState('');
  const [q] = useDebouncedValue(typed.trim(), 250);
  const chosen = useQuery({ ...getDeviceOptions({ path: { id: value ?? '' } }), enabled: Boolean(value) }).data;
  const found = useQuery(listDevicesOptions({ query: { q: q && q !== chosen?.friendly_name ? q : undefined, platform, sort: '-created_at', enrollment_status: ['enrolled'], limit: 20 } }));
  const options = (found.data?.items ?? []).map(({ id, friendly_name }) => ({ value: id, label: friendly_name }));
  if (chosen && !options.some((option) => option.value === chosen.id)) options.unshift({ value: chosen.id, label: chosen.friendly_name });
  return (
    <Select
      label="Device" searchable clearable nothingFoundMessage="No enrolled device has this name" {...props}
      data={options} filter={({ options: given }) => given} value={value ?? null} onSearchChange={setTyped} onChange={(id) => onChange(id ?? undefined)}
    />
  );
}
