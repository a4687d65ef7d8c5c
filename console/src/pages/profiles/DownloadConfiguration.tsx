// An iOS profile as devices get it, to be looked at: its secrets are masked.
import { Button, type ButtonProps } from '@mantine/core';
import { IconDownload } from '@tabler/icons-react';
import { useState } from 'react';
import { getMobileconfig, type Profile } from '../../api';
import { download } from '../../lib/download';
import { toastProblem } from '../../ui/toasts';

type Props = ButtonProps & {
  profile: Profile;
  /** A published version; without it the saved draft. */
  version?: number;
};

export function DownloadConfiguration({ profile, version, ...look }: Props) {
  const [busy, setBusy] = useState(false);
  const fetchIt = async () => {
    setBusy(true);
    try {
      const { data } = await getMobileconfig({ path: { id: profile.id }, query: { version }, parseAs: 'blob', throwOnError: true });
      // What is generated knows of no files.
      download(`${profile.name}.mobileconfig`, data as unknown as Blob);
    } catch (error) {
      toastProblem(error);
    } finally {
      setBusy(false);
    }
  };
  const of = version === undefined ? '' : `: version ${version}`;
  return (
    <Button variant="default" loading={busy} leftSection={<IconDownload size={16} aria-hidden />} aria-label={`Download configuration profile${of}`} {...look} onClick={() => void fetchIt()}>
      Download configuration profile
    </Button>
  );
}
