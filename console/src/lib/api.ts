// Sets up the generated client: whom requests are for, what happens when the session has ended, and one shape for
// every error.
import type { Problem } from '../api';
import { client } from '../api/client.gen';

export type { Problem };

/** The customer an administrator with Global reach acts for; part of every page's address. */
export const currentCustomer = () => new URLSearchParams(location.search).get('customer');

/** Whatever was thrown by a call of the generated client, as a problem. */
export function asProblem(error: unknown): Problem {
  if (typeof error === 'object' && error !== null && 'title' in error && 'detail' in error) return error as Problem;
  return {
    type: 'about:blank',
    title: 'The server cannot be reached',
    status: 0,
    detail: 'Check the connection, then try again.',
  };
}

// There a 401 says that a name, a password or a code was wrong.
const BEFORE_SIGN_IN = ['/sign-in', '/welcome'];

/** Leads to the sign-in, and from there back to this page, if the answer says that nobody is signed in. */
export function watchSession(response: Response): Response {
  if (response.status === 401 && !BEFORE_SIGN_IN.includes(location.pathname)) {
    location.assign(`/sign-in?to=${encodeURIComponent(location.pathname + location.search)}`);
  }
  return response;
}

export function setUpClient() {
  client.setConfig({ baseUrl: location.origin, credentials: 'same-origin' });
  client.interceptors.request.use((request) => {
    const customer = currentCustomer();
    if (customer && !request.headers.has('Allclear-Organization-Group')) {
      request.headers.set('Allclear-Organization-Group', customer);
    }
    return request;
  });
  client.interceptors.response.use(watchSession);
  client.interceptors.error.use((error, response) => {
    if (error instanceof DOMException && error.name === 'AbortError') return error;
    const problem = asProblem(error);
    return problem.status === 0 && response
      ? { ...problem, title: 'The server failed', status: response.status, detail: `It answered with status ${response.status}.` }
      : problem;
  });
}

type Page<T> = { items: T[]; next_cursor?: string | null };

/** Every item of a list, page after page. `fetchPage` calls the generated function with `throwOnError: true`. */
export async function* allItems<T>(fetchPage: (cursor?: string) => Promise<{ data: Page<T> }>): AsyncGenerator<T[]> {
  let cursor: string | undefined;
  do {
    const { data } = await fetchPage(cursor);
    yield data.items;
    cursor = data.next_cursor ?? undefined;
  } while (cursor);
}

/** A new `Idempotency-Key`. Not randomUUID: browsers offer that only over HTTPS. */
export const newKey = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
