// The mail with the words as they stand, as the server would make it.
import { Skeleton } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { type NotifyPreview, previewNotifyWords } from '../../api';
import { previewNotifyUserQueryKey } from '../../api/@tanstack/react-query.gen';
import { ErrorState } from '../../ui/states';
import { MailView } from './MailView';

type Props = { user: { id: string }; usual: NotifyPreview; subject: string; text: string };

export function DraftView({ user, usual, subject, text }: Props) {
  const changed = (now: string, before: string) => (now.trim() === before.trim() || !now.trim() ? undefined : now.trim());
  const words = { subject: changed(subject, usual.email.subject), message: changed(text, usual.email.text) };
  // As text, so that what is the same is not waited for again.
  const [settled] = useDebouncedValue(JSON.stringify(words), 300);
  const path = { id: user.id };
  const drawn = useQuery({
    queryKey: [...previewNotifyUserQueryKey({ path }), settled],
    queryFn: async ({ signal }) => (await previewNotifyWords({ path, body: JSON.parse(settled) as typeof words, signal, throwOnError: true })).data,
    placeholderData: keepPreviousData,
    gcTime: 0,
  });
  if (drawn.error) return <ErrorState error={drawn.error} onRetry={() => void drawn.refetch()} />;
  if (!drawn.data) return <Skeleton h={300} />;
  const { email } = drawn.data;
  return <MailView from to={email.address} subject={email.subject} text={email.text} html={email.html} />;
}
