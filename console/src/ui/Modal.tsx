// Dialogs that are rendered while they are open: when one goes, the focus returns to where it was.
import { Drawer as MantineDrawer, type DrawerProps, Modal as MantineModal, type ModalProps } from '@mantine/core';
import { useEffect, useState } from 'react';

function useFocusBack() {
  const [before] = useState(() => document.activeElement);
  useEffect(
    () => () => {
      // After the dialog's own trap has let go.
      setTimeout(() => {
        if (before instanceof HTMLElement && before.isConnected && (document.activeElement ?? document.body) === document.body) before.focus();
      });
    },
    [before],
  );
}

export function Modal(props: ModalProps) {
  useFocusBack();
  return <MantineModal {...props} />;
}

export function Drawer(props: DrawerProps) {
  useFocusBack();
  return <MantineDrawer attributes={{ header: { role: 'presentation' } }} {...props} />;
}
