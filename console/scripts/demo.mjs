// The demo company on a fresh data directory and a free port, for scripts that look at the console filled.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const BINARY = process.env.ALLCLEAR_BINARY ?? fileURLToPath(new URL('../../target/release/allclear', import.meta.url));

export const CHROMIUM = process.env.ALLCLEAR_TEST_CHROMIUM ?? '/usr/bin/chromium';

/** Starts the demo; `args` are those of `allclear demo`. Always `stop` it. */
export async function startDemo(...args) {
  const directory = mkdtempSync(join(tmpdir(), 'allclear-demo-'));
  const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('ALLCLEAR_')));
  const child = spawn(BINARY, ['demo', '--data-dir', directory, '--listen', '127.0.0.1:0', ...args], {
    env: { ...environment, ALLCLEAR_LIMITS_REQUESTS_PER_SECOND: '10000', ALLCLEAR_LIMITS_REQUESTS_BURST: '10000' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise((done) => child.once('exit', done));
  const stop = async () => {
    child.kill();
    await ended;
    rmSync(directory, { recursive: true, force: true });
  };
  const errors = [];
  createInterface({ input: child.stderr }).on('line', (line) => errors.push(line));
  const said = await new Promise((done, failed) => {
    const found = {};
    child.once('error', failed);
    child.once('exit', (code) => failed(new Error(`${BINARY} ended with ${code}:\n${errors.join('\n')}`)));
    createInterface({ input: child.stdout }).on('line', (line) => {
      found.url ??= /^listening on (\S+)/.exec(line)?.[1];
      found.user_name ??= /^User name: (\S+)/.exec(line)?.[1];
      found.password ??= /^Password: (\S+)/.exec(line)?.[1];
      found.token ??= /^ac_\S+/.exec(line)?.[0];
      if (found.token) done(found);
    });
  }).catch(async (error) => {
    await stop();
    throw error;
  });
  const api = async (path) => {
    const response = await fetch(said.url + path, { headers: { Authorization: `Bearer ${said.token}` } });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return response.json();
  };
  /** Signs the administrator in without the pages; the cookie, as `name=value`. */
  const signIn = async () => {
    const response = await fetch(`${said.url}/api/v1/session`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Origin: said.url },
      body: JSON.stringify({ user_name: said.user_name, password: said.password }),
    });
    const cookie = response.headers.getSetCookie()[0]?.split(';')[0];
    if (!response.ok || !cookie) throw new Error(`signing in: ${response.status} ${await response.text()}`);
    return cookie;
  };
  return { ...said, api, signIn, stop };
}
