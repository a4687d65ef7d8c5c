// What the address of the sign-in page can say.
import { search, text } from '../../lib/search';

/** `to`: the page to go on to. */
export const validateSignInSearch = search({ to: text });

/** Where to go on to: a page of this console, never another site. */
export function target(to: string | undefined): string {
  if (!to?.startsWith('/')) return '/';
  const url = new URL(to, location.origin);
  return url.origin === location.origin ? url.pathname + url.search : '/';
}
