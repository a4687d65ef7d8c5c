// Starts the server for the scripts that load it: target/release/allclear, or what ALLCLEAR_BINARY names.
import { execFileSync, spawn } from 'node:child_process';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';

/** The root of the repository. */
export const ROOT = resolve(import.meta.dirname, '..');
const { ALLCLEAR_BINARY: BINARY = join(ROOT, 'target/release/allclear'), ...environment } = process.env;
const UNLIMITED = { ALLCLEAR_LIMITS_REQUESTS_PER_SECOND: '100000', ALLCLEAR_LIMITS_REQUESTS_BURST: '100000' };

/**
 * A server over a data directory on a free port: its process, its address, and an API token with a role. `settings` are
 * further environment variables.
 */
export async function serve(directory, role, settings = {}) {
  const server = spawn(BINARY, ['serve', '--data-dir', directory, '--listen', '127.0.0.1:0'], {
    env: { ...environment, ...UNLIMITED, ...settings },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const url = await new Promise((done, failed) => {
    server.once('error', failed);
    server.once('exit', (code) => failed(new Error(`the server ended with ${code}`)));
    createInterface({ input: server.stdout }).on('line', (line) => {
      const found = /^listening on (\S+)/.exec(line);
      if (found) done(new URL(found[1]));
    });
  });
  const create = ['token', 'create', '--data-dir', directory, '--role', role, '--name', `script ${Date.now()}`];
  const made = execFileSync(BINARY, create, { encoding: 'utf8', env: environment });
  return { server, url, token: made.trim().split('\n').at(-1) };
}
