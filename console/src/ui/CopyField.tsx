// A value to take away, such as a credential that is shown only once.
import { Button, CopyButton, TextInput } from '@mantine/core';
import { IconCheck, IconCopy } from '@tabler/icons-react';

// Browsers offer the clipboard only over HTTPS and on this computer; elsewhere the field is selected to be copied by hand.
const canCopy = 'clipboard' in navigator;

type Props = { label: string; value: string; description?: string };

export function CopyField({ label, value, description }: Props) {
  return (
    <TextInput
      label={label}
      description={description}
      value={value}
      readOnly
      styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }}
      onFocus={(event) => event.currentTarget.select()}
      rightSectionWidth={canCopy ? 96 : undefined}
      rightSection={canCopy && (
        <CopyButton value={value}>
          {({ copied, copy }) => (
            <Button size="compact-xs" variant="default" onClick={copy} leftSection={copied ? <IconCheck size={14} aria-hidden /> : <IconCopy size={14} aria-hidden />} aria-label={copied ? `Copied ${label}` : `Copy ${label}`}>
              {copied ? 'Copied' : 'Copy'}
            </Button>
          )}
        </CopyButton>
      )}
    />
  );
}
