// Who is signed in and what they may do. What the role does not allow is not shown.
import { useSuspenseQuery } from '@tanstack/react-query';
import { redirect } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import type { Right } from '../api';
import { getSessionOptions } from '../api/@tanstack/react-query.gen';
import { queryClient } from './queries';

export const sessionOptions = { ...getSessionOptions(), staleTime: Infinity };

/** Before any page is shown: somebody has to be signed in, with the second factor the settings require. */
export async function requireSession(): Promise<void> {
  const { second_factor } = await queryClient.ensureQueryData(sessionOptions);
  if (second_factor?.setup_required) throw redirect({ to: '/second-factor' });
}

export const useSession = () => useSuspenseQuery(sessionOptions).data;

/** Says whether the person signed in holds a right. */
export function useRights(): (right: Right) => boolean {
  const { rights } = useSession();
  return (right) => rights.includes(right);
}

/** Shows its children only to those who hold the right. */
export function Allowed({ right, children }: { right: Right; children: ReactNode }) {
  return useRights()(right) ? children : null;
}
