// Writes whole lists as CSV files.
import { allItems } from './api';
import { download } from './download';

export type CsvColumn<T> = { title: string; value: (row: T) => string | number | null | undefined };

// A spreadsheet runs what begins like a formula, so such text gets an apostrophe.
function cell(value: string | number | null | undefined): string {
  if (typeof value === 'number') return String(value);
  const text = (value ?? '').replace(/^[=+\-@\t\r]/, "'$&");
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

const line = (cells: string[]) => `${cells.join(',')}\r\n`;

/** Fetches every page and offers the file for download; returns how many rows it has. */
export async function exportCsv<T>(
  name: string,
  columns: CsvColumn<T>[],
  fetchPage: Parameters<typeof allItems<T>>[0],
): Promise<number> {
  const parts = [line(columns.map((column) => cell(column.title)))];
  let rows = 0;
  for await (const items of allItems(fetchPage)) {
    parts.push(items.map((row) => line(columns.map((column) => cell(column.value(row))))).join(''));
    rows += items.length;
  }
  download(`${name}-${new Date().toISOString().slice(0, 10)}.csv`, new Blob(['\uFEFF', ...parts], { type: 'text/csv' }));
  return rows;
}
