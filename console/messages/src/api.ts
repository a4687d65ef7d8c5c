// Calls of the server. Used by the page and by the service worker.
import type { DeviceState, PageOwnMessage } from '../../src/api/types.gen';

/** The server did not answer, or only that it cannot at the moment. */
export class Unreachable extends Error {}

/** The server refused. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    /** The problem's type without its path, as `link-used`. */
    readonly kind: string,
    /** Seconds after which it may be tried again; 0 if nothing was said. */
    readonly retryAfter: number,
  ) {
    super(`${status} ${kind}`);
  }
}

type Options = { method?: string; body?: unknown; etag?: string; signal?: AbortSignal };

/** `ms` is how long an answer may take. */
async function call(path: string, { method = 'GET', body, etag, signal }: Options = {}, ms = 20_000): Promise<Response> {
  const headers: Record<string, string> = {};
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  if (etag) headers['If-None-Match'] = etag;
  const abort = new AbortController();
  const stop = () => abort.abort();
  if (signal?.aborted) stop();
  signal?.addEventListener('abort', stop);
  const timer = setTimeout(stop, ms);
  let response: Response;
  try {
    response = await fetch(`/m/v1/${path}`, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      // The app keeps what it knows itself.
      cache: 'no-store',
      credentials: 'same-origin',
      signal: abort.signal,
    });
  } catch {
    throw new Unreachable();
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', stop);
  }
  if (response.ok || response.status === 304) return response;
  if (response.status >= 500) throw new Unreachable();
  const problem = await response.json().catch(() => ({}));
  throw new Refused(response.status, String(problem.type ?? '').replace('/problems/', ''), Number(response.headers.get('Retry-After') ?? 0));
}

async function json<T>(answer: Promise<Response>): Promise<T> {
  const response = await answer;
  try {
    return (await response.json()) as T;
  } catch {
    // A network that wants a sign-in first answers with a page of its own, or the answer broke off.
    throw new Unreachable();
  }
}

const inLanguage = (language: string | undefined) => (language ? `language=${encodeURIComponent(language)}` : '');

export const enroll = (token: string) => json<{ device_id: string }>(call('enroll', { method: 'POST', body: { token } }));

/** Undefined if nothing has changed since `etag`. `language` only if it is not to be the user's own. */
export async function state(etag?: string, language?: string): Promise<{ state: DeviceState; etag: string } | undefined> {
  const response = await call(`state?${inLanguage(language)}`, { etag });
  if (response.status === 304) return undefined;
  return { state: await json<DeviceState>(Promise.resolve(response)), etag: response.headers.get('ETag') ?? '' };
}

export const messages = (cursor?: string) => json<PageOwnMessage>(call(`messages?limit=50${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`));

export const read = (id: string) => call(`messages/${id}/read`, { method: 'POST' });

export const check = () => json<{ requested_at: string }>(call('check', { method: 'POST' }));

/** Waits until the state is another than that of `etag`; false if it stayed the same for as long as the server waits. */
export async function wait(etag: string, language: string | undefined, signal: AbortSignal): Promise<boolean> {
  const response = await call(`wait?after=${encodeURIComponent(etag)}&${inLanguage(language)}`, { signal }, 45_000);
  return response.status !== 204;
}

export const pushKey = async () => (await json<{ public_key: string }>(call('push-key'))).public_key;
export const subscribe = (subscription: PushSubscriptionJSON) =>
  call('push-subscription', { method: 'PUT', body: { endpoint: subscription.endpoint, keys: subscription.keys } });
export const unsubscribe = () => call('push-subscription', { method: 'DELETE' });
export const installLink = async () => (await json<{ url: string }>(call('install-link'))).url;
