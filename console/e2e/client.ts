// The API as a program uses it, and a phone with our agent on it.
import { randomUUID } from 'node:crypto';

// Tests look into answers of every kind.
export type Answer = any;

export class Client {
  constructor(
    readonly url: string,
    readonly token: string,
  ) {}

  async call(method: string, path: string, body?: unknown): Promise<{ status: number; body: Answer }> {
    const response = await fetch(this.url + path, {
      method,
      headers: {
        Authorization: `Bearer ${this.token}`,
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
        ...(method === 'POST' && path.startsWith('/api/') ? { 'Idempotency-Key': randomUUID() } : {}),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await response.text();
    return { status: response.status, body: text ? JSON.parse(text) : undefined };
  }

  async #done(method: string, path: string, body?: unknown): Promise<Answer> {
    const answer = await this.call(method, path, body);
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  }

  get = (path: string) => this.#done('GET', path);
  post = (path: string, body: unknown = {}) => this.#done('POST', path, body);
}

let number = 0;

/** A name no other test of this process has. */
export const unique = (word: string) => `${word}-${process.pid}-${++number}`;

export class Phone {
  private constructor(
    readonly admin: Client,
    readonly agent: Client,
    readonly id: string,
    readonly name: string,
    readonly user: Answer,
  ) {}

  /** A user and their enrolled phone, whose sensor works. */
  static async enroll(admin: Client, person: Record<string, string> = {}, device: Record<string, string> = {}): Promise<Phone> {
    const user = await admin.post('/api/v1/users', { user_name: unique('user'), ...person });
    const { token } = await admin.post('/api/v1/enrollment-tokens', { user_id: user.id });
    const name = device.friendly_name ?? unique('phone');
    const enrolled = await new Client(admin.url, '').post('/agent/v1/enroll', {
      enrollment_token: token,
      device: { platform: 'android', serial_number: unique('SN'), manufacturer: 'Google', model: 'Pixel 9', os_version: '15', friendly_name: name, ...device },
    });
    const agent = new Client(admin.url, enrolled.device_token);
    await agent.post('/agent/v1/inventory', { protection_status: 'activated' });
    return new Phone(admin, agent, enrolled.device_id, name, user);
  }

  /** Takes the commands there are and carries them out. */
  async obey(): Promise<Answer[]> {
    const { commands } = await this.agent.get('/agent/v1/commands');
    for (const command of commands) {
      await this.agent.post(`/agent/v1/commands/${command.id}/result`, { status: 'acknowledged' });
    }
    return commands;
  }

  /** The agent says what the phone is like. */
  reports = (inventory: Answer): Promise<Answer> => this.agent.post('/agent/v1/inventory', inventory);

  /** A threat is found on the phone, or gone. */
  async detect(classification: string, status: 'open' | 'resolved' = 'open', threat = classification): Promise<void> {
    const answer = await this.admin.post('/api/v1/detections', {
      event_id: randomUUID(),
      source: 'e2e',
      device: { id: this.id },
      threat_id: `${this.id}-${threat}`,
      classification,
      status,
      detected_at: new Date().toISOString(),
      details: { package_name: 'com.example.bad' },
    });
    if (answer.accepted !== 1) throw new Error(JSON.stringify(answer));
  }
}
