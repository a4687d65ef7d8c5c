// A push service of the test's own: takes what the server sends and opens it with somebody else's software.
import { createECDH, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { resolve } from 'node:path';

const ece = createRequire(resolve(import.meta.dirname, '../../tests/peers/package.json'))('http_ece');

interface Subscription {
  endpoint: string;
  keys: { p256dh: string; auth: string };
}

export class PushService {
  readonly #key = createECDH('prime256v1');
  readonly #auth = randomBytes(16);
  readonly #server: Server;
  #arrived: string[] = [];
  #wanted?: (message: string) => void;

  private constructor() {
    this.#key.generateKeys();
    this.#server = createServer(async (request, response) => {
      const parts: Buffer[] = [];
      for await (const part of request) parts.push(part);
      const good = request.method === 'POST' && request.headers['content-encoding'] === 'aes128gcm' && /^vapid t=/.test(request.headers.authorization ?? '') && request.headers.ttl;
      response.writeHead(good ? 201 : 400, { Location: '/message' }).end();
      if (!good) return;
      const message = ece.decrypt(Buffer.concat(parts), { version: 'aes128gcm', privateKey: this.#key, authSecret: this.#auth }).toString();
      if (this.#wanted) this.#wanted(message);
      else this.#arrived.push(message);
      this.#wanted = undefined;
    });
  }

  static async start(): Promise<PushService> {
    const service = new PushService();
    service.#server.listen(0, '127.0.0.1');
    await once(service.#server, 'listening');
    return service;
  }

  get subscription(): Subscription {
    const { port } = this.#server.address() as AddressInfo;
    return { endpoint: `http://127.0.0.1:${port}/push`, keys: { p256dh: this.#key.getPublicKey('base64url'), auth: this.#auth.toString('base64url') } };
  }

  /** In every page: gives it this subscription when it subscribes, until it unsubscribes. */
  readonly stub = (subscription: Subscription) => {
    const current = () => {
      const key = localStorage.getItem('subscribed');
      return key && {
        options: { userVisibleOnly: true, applicationServerKey: Uint8Array.from(JSON.parse(key)).buffer },
        toJSON: () => subscription,
        unsubscribe: async () => {
          localStorage.removeItem('subscribed');
          return true;
        },
      };
    };
    PushManager.prototype.getSubscription = async () => current() as unknown as PushSubscription | null;
    PushManager.prototype.subscribe = async (options) => {
      localStorage.setItem('subscribed', JSON.stringify([...(options?.applicationServerKey as Uint8Array)]));
      return current() as unknown as PushSubscription;
    };
  };

  /** The next message, opened. */
  next(): Promise<string> {
    const arrived = this.#arrived.shift();
    return arrived === undefined ? new Promise((done) => (this.#wanted = done)) : Promise.resolve(arrived);
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
