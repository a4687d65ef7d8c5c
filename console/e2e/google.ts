// Google, as far as managed Android devices have to do with it: the peer that the server's own tests speak with, and the
// phones that it plays.
import { type ChildProcess, spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { Answer } from './client';

const PEER = resolve(import.meta.dirname, '../../tests/peers/android-management.mjs');

export class Google {
  port = 0;
  /** What the account is: `service_account` is the text of its key file, then `topic` and `subscription`. */
  account: Answer;
  /** What requests had that the interface does not allow. */
  readonly violations: unknown[] = [];
  #process?: ChildProcess;
  #orders = new Map<number, { done: (result: Answer) => void; failed: (error: Error) => void }>();
  #last = 0;

  static async start(): Promise<Google> {
    const google = new Google();
    // Orders end with the process when its input does.
    const child = spawn('node', [PEER, JSON.stringify({ comply: true })], { stdio: ['pipe', 'pipe', 'inherit'] });
    google.#process = child;
    await new Promise<void>((done, failed) => {
      child.once('exit', (code) => failed(new Error(`Google's peer ended with ${code}`)));
      createInterface({ input: child.stdout }).on('line', (line) => {
        const said: Answer = JSON.parse(line);
        if (said.port) google.port = said.port;
        if (said.event === 'request' && said.violations.length > 0) google.violations.push(said);
        if (said.event === 'ordered') {
          const order = google.#orders.get(said.id);
          if (said.error) order?.failed(new Error(JSON.stringify(said.error)));
          else order?.done(said.result);
        }
        if (said.event === 'account') {
          google.account = said;
          done();
        }
      });
    });
    return google;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Has a phone, or Google, do something. */
  order(what: string, given: unknown): Promise<Answer> {
    const id = ++this.#last;
    return new Promise((done, failed) => {
      this.#orders.set(id, { done, failed });
      this.#process?.stdin?.write(`${JSON.stringify({ id, [what]: given })}\n`);
    });
  }

  stop(): void {
    this.#process?.removeAllListeners('exit');
    this.#process?.kill();
  }
}
