// Saves a whole list, with its filters, as a CSV file.
import { Button } from '@mantine/core';
import { IconDownload } from '@tabler/icons-react';
import { useState } from 'react';
import type { allItems } from '../lib/api';
import { type CsvColumn, exportCsv } from '../lib/csv';
import { counted } from '../lib/words';
import { toastDone, toastProblem } from './toasts';

type Props<T> = { name: string; columns: CsvColumn<T>[]; fetchPage: Parameters<typeof allItems<T>>[0] };

export function ExportButton<T>({ name, columns, fetchPage }: Props<T>) {
  const [busy, setBusy] = useState(false);
  const run = async () => {
    setBusy(true);
    try {
      toastDone(`${counted(await exportCsv(name, columns, fetchPage), 'row')} exported`);
    } catch (error) {
      toastProblem(error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Button variant="default" loading={busy} leftSection={<IconDownload size={16} aria-hidden />} onClick={() => void run()}>Export CSV</Button>
  );
}
