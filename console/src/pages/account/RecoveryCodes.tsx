// Recovery codes, shown once.
import { Button, Checkbox, Code, CopyButton, Group, SimpleGrid, Stack } from '@mantine/core';
import { IconCopy, IconDownload } from '@tabler/icons-react';
import { useState } from 'react';
import { Modal } from '../../ui/Modal';
import { ShownOnce } from '../../ui/ShownOnce';

export function RecoveryCodes({ codes, onClose }: { codes: string[]; onClose: () => void }) {
  const [kept, setKept] = useState(false);
  const text = codes.join('\n');
  return (
    <Modal opened onClose={onClose} title="Recovery codes" withCloseButton={false} closeOnClickOutside={false} closeOnEscape={false}>
      <Stack>
        <ShownOnce>
          Without your second factor, one of these lets you in. Each is good once. Keep them where you keep your passwords, not on your phone alone.
        </ShownOnce>
        <SimpleGrid component="ul" cols={2} spacing="xs" p={0} m={0} style={{ listStyle: 'none' }} aria-label="Recovery codes">
          {codes.map((code) => <li key={code}><Code fz="sm">{code}</Code></li>)}
        </SimpleGrid>
        <Group>
          {'clipboard' in navigator && (
            <CopyButton value={text}>{({ copied, copy }) => <Button variant="default" leftSection={<IconCopy size={16} aria-hidden />} onClick={copy}>{copied ? 'Copied' : 'Copy'}</Button>}</CopyButton>
          )}
          <Button variant="default" component="a" href={`data:text/plain,${encodeURIComponent(text)}`} download="allclear-recovery-codes.txt" leftSection={<IconDownload size={16} aria-hidden />}>Save as a file</Button>
        </Group>
        <Checkbox label="I have kept them" checked={kept} onChange={(event) => setKept(event.currentTarget.checked)} />
        <Group justify="flex-end"><Button disabled={!kept} onClick={onClose}>Done</Button></Group>
      </Stack>
    </Modal>
  );
}
