// A server of its own for a test: the real binary on an empty data directory and a free port.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

const BINARY = resolve(import.meta.dirname, process.env.ALLCLEAR_TEST_BINARY ?? '../../target/debug/allclear');

// Settings of whoever runs the tests are not the test's.
const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('ALLCLEAR_')));

export class Server {
  url = '';
  #process?: ChildProcess;
  #link?: (link: string) => void;
  /** The one-time link by which somebody becomes the first administrator. */
  readonly link = new Promise<string>((found) => {
    this.#link = found;
  });

  private constructor(readonly directory: string) {}

  static async start(): Promise<Server> {
    const server = new Server(await mkdtemp(join(tmpdir(), 'allclear-e2e-')));
    await server.run('127.0.0.1:0');
    return server;
  }

  /** Starts the process; also again, after `kill`, on the address it had. */
  async run(listen = new URL(this.url).host): Promise<void> {
    const child = spawn(BINARY, ['serve', '--data-dir', this.directory, '--listen', listen], {
      env: { ...environment, ALLCLEAR_LIMITS_REQUESTS_PER_SECOND: '10000', ALLCLEAR_LIMITS_REQUESTS_BURST: '10000', ALLCLEAR_OUTGOING_ALLOW: '127.0.0.1' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#process = child;
    const errors: string[] = [];
    createInterface({ input: child.stderr }).on('line', (line) => errors.push(line));
    await new Promise<void>((done, failed) => {
      child.once('exit', (code) => failed(new Error(`the server ended with ${code}:\n${errors.join('\n')}`)));
      createInterface({ input: child.stdout }).on('line', (line) => {
        const link = /https?:\/\/\S+\/welcome#\S+/.exec(line);
        if (link) this.#link?.(link[0]);
        const url = /^listening on (\S+)/.exec(line);
        if (url) {
          this.url = url[1];
          done();
        }
      });
    });
  }

  /** Ends the process without a word, as a power cut would. */
  async kill(): Promise<void> {
    const child = this.#process;
    if (!child || child.exitCode !== null) return;
    const ended = new Promise((done) => child.once('exit', done));
    child.kill('SIGKILL');
    await ended;
  }

  async stop(): Promise<void> {
    await this.kill();
    await rm(this.directory, { recursive: true, force: true });
  }

  /** A command of the binary on this data directory; the last line it prints. */
  async command(...args: string[]): Promise<string> {
    const { stdout } = await promisify(execFile)(BINARY, [...args, '--data-dir', this.directory], { env: environment });
    return stdout.trim().split('\n').at(-1) ?? '';
  }
}
