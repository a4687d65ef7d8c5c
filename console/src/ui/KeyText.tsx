// A key that somebody gave out as a file: pasted, or read from that file. It is never shown again.
import { Button, FileButton, Group, Stack, Textarea, type TextareaProps } from '@mantine/core';
import { IconUpload } from '@tabler/icons-react';

type Props = Omit<TextareaProps, 'onChange'> & {
  label: string;
  /** What files of it are called. */
  accept: string;
  onChange: (text: string) => void;
};

export function KeyText({ accept, onChange, ...props }: Props) {
  return (
    <Stack gap="xs">
      <Textarea autoComplete="off" spellCheck={false} autosize minRows={2} maxRows={6} onChange={(event) => onChange(event.currentTarget.value)} {...props} />
      <Group>
        <FileButton accept={accept} onChange={(file) => void file?.text().then(onChange)} inputProps={{ 'aria-label': `${props.label}: file` }}>
          {(button) => <Button {...button} size="xs" variant="default" leftSection={<IconUpload size={14} aria-hidden />}>From a file</Button>}
        </FileButton>
      </Group>
    </Stack>
  );
}
