// A server for tests of what the app does: answers `fetch` from a state and messages.
import { vi } from 'vitest';
import type { DeviceState, OwnMessage } from '../../src/api/types.gen';

export const state = (change: Partial<DeviceState> = {}): DeviceState => ({
  organisation: 'Example Ltd',
  accent_colour: null,
  language: 'en',
  device: { id: 'd', name: 'Phone', platform: 'android', os_version: '15' },
  risk_level: 'none',
  compliance: 'compliant',
  protection_status: 'activated',
  checked_at: '2026-11-22T10:00:00Z',
  check_requested_at: null,
  restrictions: [],
  issues: [],
  help: null,
  unread: 0,
  ...change,
});

export const issue = (id: string) => ({ id, name: 'Trojan', level: 'high' as const, since: '2026-11-22T09:00:00Z', about: 'An app is harmful.', steps: ['Remove it.'] });

export const message = (id: string, read_at: string | null = null): OwnMessage => ({ id, sent_at: '2026-11-22T09:00:00Z', text: id, read_at, kind: 'message' });

export class Server {
  state: DeviceState;
  /** `GET state language=de`, as they came. */
  calls: string[] = [];
  /** No network. */
  down = false;
  /** Answers with this status whatever is asked. */
  status?: number;
  /** Answers with a page instead of JSON. */
  garbled = false;
  /** Happens before a call is answered. */
  before?: (call: string) => Promise<void>;
  /** How many messages there are to a page. */
  page = 50;
  /** What a link leads to: its token and a status, with the type of the problem. */
  links: Record<string, [number, string]> = {};
  signedIn = true;
  /** The phone answers at once that it cannot check itself. */
  cannotCheck = false;

  constructor(public messages: OwnMessage[] = []) {
    this.state = state({ unread: messages.filter((one) => !one.read_at).length });
    vi.stubGlobal('fetch', (path: string, request: RequestInit) => this.#fetch(path, request));
  }

  async #fetch(path: string, request: RequestInit): Promise<Response> {
    const url = new URL(path, 'http://localhost');
    const route = url.pathname.replace('/m/v1/', '');
    const query = [...url.searchParams].filter(([name]) => name === 'language').map((pair) => pair.join('='));
    const call = [request.method, route, ...query].join(' ');
    this.calls.push(call);
    await this.before?.(call);
    if (this.down) throw new TypeError('no network');
    if (this.status) return this.#problem(this.status, 'busy');
    if (this.garbled) return new Response('<html>Sign in to this network</html>', { headers: { ETag: '"x"' } });
    if (route === 'enroll') {
      const [status, kind] = this.links[JSON.parse(String(request.body)).token] ?? [404, 'not-found'];
      this.signedIn ||= status === 200;
      return status === 200 ? Response.json({ device_id: 'd' }) : this.#problem(status, kind);
    }
    if (!this.signedIn) return this.#problem(401, 'unauthorized');
    if (route === 'state') {
      const etag = JSON.stringify(JSON.stringify(this.state));
      if ((request.headers as Record<string, string>)['If-None-Match'] === etag) return new Response(null, { status: 304 });
      return Response.json(this.state, { headers: { ETag: etag } });
    }
    if (route === 'check') {
      const requested_at = '2026-11-22T10:30:00Z';
      this.state = { ...this.state, check_requested_at: this.cannotCheck ? null : requested_at };
      return Response.json({ requested_at }, { status: 202 });
    }
    if (route === 'messages') {
      const start = Number(url.searchParams.get('cursor') ?? 0);
      const end = start + this.page;
      return Response.json({ items: this.messages.slice(start, end), next_cursor: end < this.messages.length ? String(end) : null });
    }
    const read = this.messages.find((one) => route === `messages/${one.id}/read`);
    if (!read) return this.#problem(404, 'not-found');
    read.read_at = '2026-11-22T10:00:00Z';
    return new Response(null, { status: 204 });
  }

  #problem = (status: number, kind: string) => Response.json({ type: `/problems/${kind}`, status }, { status, headers: status === 429 ? { 'Retry-After': '42' } : {} });
}
