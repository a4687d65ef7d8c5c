// The logo in mails: its file, and an address that a page can show it by; null without one.
import { queryOptions } from '@tanstack/react-query';
import { getLogo } from '../api';
import { getLogoQueryKey } from '../api/@tanstack/react-query.gen';
import { asProblem } from '../lib/api';

const asAddress = (blob: Blob) =>
  new Promise<string>((done, failed) => {
    const reader = new FileReader();
    reader.onload = () => done(String(reader.result));
    reader.onerror = () => failed(reader.error);
    reader.readAsDataURL(blob);
  });

export const logoOptions = queryOptions({
  queryKey: [...getLogoQueryKey(), 'address'],
  queryFn: async ({ signal }): Promise<{ file: Blob; address: string } | null> => {
    try {
      const { data } = await getLogo({ parseAs: 'blob', signal, throwOnError: true });
      // What is generated knows of no files.
      const file = data as unknown as Blob;
      return { file, address: await asAddress(file) };
    } catch (error) {
      if (asProblem(error).status === 404) return null;
      throw error;
    }
  },
});
