// What the parts of the device page share.
import { useDebouncedCallback } from '@mantine/hooks';
import { useQueryClient } from '@tanstack/react-query';
import type { Device } from '../../api';
import {
  explainDeviceQueryKey, getDeviceEffectiveSettingsQueryKey, getDevicePolicyQueryKey, getDeviceQueryKey, listDeviceCertificatesQueryKey, listDeviceCommandsQueryKey, listDevicesQueryKey, listThreatsQueryKey,
} from '../../api/@tanstack/react-query.gen';
import { useLive } from '../../app/live';

/** Fetches anew what is known of a device. */
export function useRefreshDevice(id: string) {
  const queries = useQueryClient();
  const path = { id };
  return () =>
    Promise.all(
      [
        getDeviceQueryKey({ path }), explainDeviceQueryKey({ path }), getDeviceEffectiveSettingsQueryKey({ path }), listDeviceCommandsQueryKey({ path }), getDevicePolicyQueryKey({ path }),
        listDeviceCertificatesQueryKey({ path }), listDevicesQueryKey(), listThreatsQueryKey(),
      ].map((queryKey) => queries.invalidateQueries({ queryKey })),
    );
}

const CALM = 300;

/** Keeps a device up to date while its page is shown. */
export function useFollowDevice(id: string) {
  const refresh = useDebouncedCallback(useRefreshDevice(id), CALM);
  useLive((entry) => {
    if (entry.device_id === id) void refresh();
  });
}

/** What the device still has to do, oldest first. */
export function awaited(device: Device) {
  const waits = device.profiles.filter(({ status }) => status === 'pending_install' || status === 'installing' || status === 'pending_removal');
  return waits.sort((a, b) => (a.since ?? '').localeCompare(b.since ?? ''));
}
