// A profile as devices get it, to be looked at: its secrets are masked.
import { Button, type ButtonProps } from '@mantine/core';
import { IconDownload } from '@tabler/icons-react';
import { useState } from 'react';
import { getMobileconfig, getProfilePolicy, type Platform, type Profile } from '../../api';
import { download } from '../../lib/download';
import { toastProblem } from '../../ui/toasts';

type Props = ButtonProps & {
  profile: Profile;
  /** A published version; without it the saved draft. */
  version?: number;
};

type How = { label: string; extension: string; get: (id: string, version?: number) => Promise<Blob> };
const HOW: Record<Platform, How> = {
  ios: {
    label: 'Download configuration profile',
    extension: 'mobileconfig',
    // What is generated knows of no files.
    get: async (id, version) => (await getMobileconfig({ path: { id }, query: { version }, parseAs: 'blob', throwOnError: true })).data as unknown as Blob,
  },
  android: {
    label: 'Download policy',
    extension: 'json',
    get: async (id, version) => {
      const { data } = await getProfilePolicy({ path: { id }, query: { version }, throwOnError: true });
      return new Blob([JSON.stringify(data, null, 2)], { type: 'application/json' });
    },
  },
};

export function DownloadConfiguration({ profile, version, ...look }: Props) {
  const [busy, setBusy] = useState(false);
  const { label, extension, get } = HOW[profile.platform];
  const fetchIt = async () => {
    setBusy(true);
    try {
      download(`${profile.name}.${extension}`, await get(profile.id, version));
    } catch (error) {
      toastProblem(error);
    } finally {
      setBusy(false);
    }
  };
  const of = version === undefined ? '' : `: version ${version}`;
  return (
    <Button variant="default" loading={busy} leftSection={<IconDownload size={16} aria-hidden />} aria-label={`${label}${of}`} {...look} onClick={() => void fetchIt()}>
      {label}
    </Button>
  );
}
