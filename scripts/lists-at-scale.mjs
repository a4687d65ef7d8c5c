// How long the console's lists take through HTTP over a large fleet, the server included:
//
//     node scripts/lists-at-scale.mjs [--devices 1000000] [--requests 200] [--dir target/lists-at-scale]
//
// The fleet is made by the bench of the engine (`--load-only`) unless the directory holds one already; the server is
// target/release/allclear, or what ALLCLEAR_BINARY names. Fails if the p95 of any list is over 200 ms.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { join, resolve } from 'node:path';
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { ROOT, serve } from './serve.mjs';

const { values } = parseArgs({
  options: {
    devices: { type: 'string', default: '1000000' },
    requests: { type: 'string', default: '200' },
    dir: { type: 'string', default: join(ROOT, 'target/lists-at-scale') },
  },
});
const [DEVICES, REQUESTS, DIRECTORY] = [Number(values.devices), Number(values.requests), resolve(values.dir)];
const TARGET_MS = 200;
/** Pages turned from the first, as somebody would who looks for something. */
const DEPTH = 5;

function fill() {
  const database = join(DIRECTORY, 'allclear.db');
  if (existsSync(database)) return console.log(`the fleet in ${DIRECTORY} is used again`);
  mkdirSync(DIRECTORY, { recursive: true });
  const bench = ['bench', '-p', 'allclear-engine', '--bench', 'the_loop', '--', '--devices', String(DEVICES), '--load-only', '--dir', DIRECTORY];
  execFileSync('cargo', bench, { cwd: ROOT, stdio: 'inherit' });
  renameSync(join(DIRECTORY, 'fleet.db'), database);
  // The key the bench seals with.
  writeFileSync(join(DIRECTORY, 'secret.key'), Buffer.alloc(32, 1), { mode: 0o600 });
}

const number = (below) => Math.floor(Math.random() * below);
const padded = () => String(number(DEVICES)).padStart(7, '0');

/** What the pages ask for; a function where each visitor asks for something else. */
function lists({ group, tag, smartGroup, profile, user }) {
  const devices = [
    '', 'sort=-score', 'sort=friendly_name', 'sort=-risk_level', 'sort=-created_at', 'risky=true', 'risk_level=high',
    'risk_level=high&risk_level=medium&sort=-score', 'platform=ios', 'platform=android&sort=friendly_name',
    'compliance=not_compliant', 'protection_status=activated&sort=-score', 'enrollment_status=enrolled',
    'ownership=employee_owned', 'manufacturer=Google', 'model=Pixel%208', 'os_version=14', `organization_group_id=${group}`,
    `tag_id=${tag}`, `smart_group_id=${smartGroup}`, `profile_id=${profile}&profile_status=pending_install`, `user_id=${user}`,
  ];
  const threats = [
    '', 'status=open', 'status=open&level=high', 'status=open&family=application', 'classification=trojan', 'sort=first_seen',
    `status=open&organization_group_id=${group}`,
  ];
  const users = ['', 'sort=-score', 'sort=user_name', 'risky=true&sort=-score', 'risk_status=high&sort=-score', 'risk_status=none'];
  return [
    ...devices.map((query) => ['devices', query]),
    ['devices', () => `q=Phone%20of%20user%20${padded()}`, 'q=Phone of user …'],
    ['devices', () => `q=SN0${padded().slice(0, 4)}`, 'q=SN…'],
    ...threats.map((query) => ['threats', query]),
    ...users.map((query) => ['users', query]),
    ['users', () => `q=user${padded()}`, 'q=…'],
    ...['smart-groups', 'profiles', 'tags', 'classifications', 'organization-groups', 'notifications', 'jobs', 'dashboard', 'settings'].map((name) => [name, '']),
    ['search', () => `q=user${padded()}`, 'q=…'],
  ];
}

function percentile(sorted, share) {
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)];
}

fill();
const { server, url, token } = await serve(DIRECTORY, 'read_only');
const agent = new Agent({ keepAlive: true, maxSockets: 1 });
/** The answer, and how long it took until all of it was there. */
const get = (path) =>
  new Promise((done, failed) => {
    const started = performance.now();
    const asked = request(new URL(path, url), { agent, headers: { Authorization: `Bearer ${token}` } }, (response) => {
      const parts = [];
      response.on('data', (part) => parts.push(part));
      response.on('error', failed);
      response.on('end', () => {
        const ms = performance.now() - started;
        const text = Buffer.concat(parts).toString();
        if (response.statusCode === 200) done({ ms, body: JSON.parse(text) });
        else failed(new Error(`${path}: ${response.statusCode} ${text}`));
      });
    });
    asked.on('error', failed).end();
  });

let over = false;
try {
  const first = async (name, fits = () => true) => (await get(`/api/v1/${name}`)).body.items.find(fits)?.id;
  const known = {
    group: await first('organization-groups', ({ kind }) => kind === 'customer'),
    tag: await first('tags?limit=500', ({ name }) => name === 'MTD - High Risk'),
    smartGroup: await first('smart-groups?limit=500', ({ name }) => name === 'MTD High Risk'),
    profile: await first('profiles?limit=500', ({ name }) => name === 'MTD High Risk Android'),
    user: await first('users'),
  };
  console.log(`| list | rows | p50 ms | p95 ms | p99 ms |\n| --- | ---: | ---: | ---: | ---: |`);
  const all = [];
  for (const [name, query, shown = query] of lists(known)) {
    const times = [];
    let rows = 0;
    while (times.length < REQUESTS) {
      let cursor;
      for (let page = 0; page < DEPTH && times.length < REQUESTS; page += 1) {
        const asked = [typeof query === 'function' ? query() : query, cursor && `cursor=${encodeURIComponent(cursor)}`].filter(Boolean).join('&');
        const { ms, body } = await get(`/api/v1/${name}${asked && `?${asked}`}`);
        times.push(ms);
        rows = Math.max(rows, body.items?.length ?? 0);
        cursor = body.next_cursor;
        if (!cursor || typeof query === 'function') break;
      }
    }
    times.sort((a, b) => a - b);
    all.push(...times);
    const [p50, p95, p99] = [0.5, 0.95, 0.99].map((share) => percentile(times, share));
    over ||= p95 > TARGET_MS;
    console.log(`| ${name}${shown && ` \`${decodeURIComponent(shown).replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, '…')}\``} | ${rows} | ${p50.toFixed(1)} | ${p95.toFixed(1)} | ${p99.toFixed(1)}${p95 > TARGET_MS ? ' **over**' : ''} |`);
  }
  all.sort((a, b) => a - b);
  console.log(`| all | | ${[0.5, 0.95, 0.99].map((share) => percentile(all, share).toFixed(1)).join(' | ')} |`);
} finally {
  agent.destroy();
  server.kill();
}
if (over) process.exitCode = 1;
