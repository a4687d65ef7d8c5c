// What the outbox does under load, against a relay on loopback (npm smtp-server of tests/peers):
//
//     node scripts/mail-load.mjs [--mails 100000] [--connections 8] [--detections 2000] [--rate 50]
//
// First that many mails wait and are sent as fast as may be: mails a second, and the server's memory. Then detections come
// in at a steady rate and users are told (Account Status without hold-down): the time from a detection posted to its mail
// accepted. The server is target/release/allclear, or what ALLCLEAR_BINARY names. Fails if a mail is missing or came twice.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { ROOT, serve } from './serve.mjs';

const { SMTPServer } = createRequire(join(ROOT, 'tests/peers/smtp.mjs'))('smtp-server');
const { values } = parseArgs({
  options: {
    mails: { type: 'string', default: '100000' },
    connections: { type: 'string', default: '8' },
    detections: { type: 'string', default: '2000' },
    rate: { type: 'string', default: '50' },
  },
});
const [MAILS, CONNECTIONS, DETECTIONS, RATE] = [values.mails, values.connections, values.detections, values.rate].map(Number);
const DIRECTORY = mkdtempSync(join(tmpdir(), 'allclear-mail-load-'));
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

// The relay: when each address got its mail, and how many connections there were at most.
const arrived = new Map();
let twice = 0;
let open = 0;
let most = 0;
const relay = new SMTPServer({
  disabledCommands: ['STARTTLS', 'AUTH'],
  logger: false,
  onConnect(session, done) {
    most = Math.max(most, ++open);
    done();
  },
  onClose: () => void open--,
  onData(stream, session, done) {
    stream.resume();
    stream.on('end', () => {
      const to = session.envelope.rcptTo[0].address;
      if (arrived.has(to)) twice++;
      arrived.set(to, performance.now());
      done(null, 'taken');
    });
  },
});
await new Promise((done) => relay.listen(0, '127.0.0.1', done));

const { server, url, token } = await serve(DIRECTORY, 'administrator', { ALLCLEAR_OUTGOING_ALLOW: '127.0.0.1' });
const agent = new Agent({ keepAlive: true, maxSockets: 32 });

function call(method, path, body, credential = token) {
  return new Promise((done, failed) => {
    const headers = { 'content-type': 'application/json', ...(credential && { authorization: `Bearer ${credential}` }) };
    const asked = request({ agent, host: url.hostname, port: url.port, method, path, headers }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (part) => (text += part));
      answer.on('end', () => (answer.statusCode < 300 ? done(text ? JSON.parse(text) : null) : failed(new Error(`${method} ${path}: ${answer.statusCode} ${text}`))));
    });
    asked.on('error', failed);
    asked.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

/** Does something for each number below a limit, many at once. */
async function each(limit, work, width = 32) {
  let next = 0;
  await Promise.all(Array.from({ length: width }, async () => { while (next < limit) await work(next++); }));
}

async function channel(per_second) {
  const { version } = await call('GET', '/api/v1/channels/email');
  const { port } = relay.server.address();
  const relays = [{ host: '127.0.0.1', port, security: 'plain' }];
  await call('PUT', '/api/v1/channels/email', { enabled: true, relays, connections: CONNECTIONS, per_second, version });
}

async function settings(edit) {
  const { settings, version } = await call('GET', '/api/v1/settings');
  await call('PUT', '/api/v1/settings', { settings: { ...settings, ...edit }, version });
}

const memory = () => Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${server.pid}/status`, 'utf8'))[1]) / 1024;
const until = async (condition) => { while (!condition()) await pause(5); };
const user = async (name) => (await call('POST', '/api/v1/users', { user_name: name, email: `${name}@example.com` })).id;

let failed = false;
try {
  const branding = { sender_address: 'security@example.com' };
  await settings({ branding, account_status_channels: ['email'], account_status_hold_down_seconds: 0 });
  await channel(1);
  await each(MAILS, async (n) => {
    const id = await user(`user${n}`);
    await call('POST', `/api/v1/users/${id}/notify`, { channels: ['email'] });
  });
  const [began, before] = [performance.now(), arrived.size];
  let peak = memory();
  const looking = setInterval(() => (peak = Math.max(peak, memory())), 200);
  await channel(0);
  await until(() => arrived.size >= MAILS);
  clearInterval(looking);
  const seconds = (performance.now() - began) / 1000;
  console.log(`${MAILS} mails: ${Math.round((MAILS - before) / seconds)} a second over at most ${most} connections, ${Math.round(peak)} MB at most`);

  const phones = [];
  await each(DETECTIONS, async (n) => {
    const { token: enrollment_token } = await call('POST', '/api/v1/enrollment-tokens', { user_id: await user(`owner${n}`) });
    const device = { platform: 'android', serial_number: `S${n}`, friendly_name: `phone ${n}`, os_version: '15', management: 'fully_managed' };
    await call('POST', '/agent/v1/enroll', { enrollment_token, device }, '');
    phones.push(n);
  });
  const posted = new Map();
  const start = performance.now();
  await Promise.all(phones.map(async (n, place) => {
    await pause(Math.max(0, start + (place * 1000) / RATE - performance.now()));
    posted.set(n, performance.now());
    const detection = { event_id: `e${n}`, source: 'sensor', device: { serial_number: `S${n}` }, threat_id: 't', classification: 'trojan', status: 'open', detected_at: new Date().toISOString() };
    await call('POST', '/api/v1/detections', detection);
  }));
  await until(() => arrived.size >= MAILS + DETECTIONS);
  const took = phones.map((n) => arrived.get(`owner${n}@example.com`) - posted.get(n)).sort((a, b) => a - b);
  const quantile = (q) => Math.round(took[Math.min(took.length - 1, Math.floor(took.length * q))]);
  console.log(`detection to mail accepted at ${RATE} a second: p50 ${quantile(0.5)} ms, p99 ${quantile(0.99)} ms`);
  if (twice > 0) throw new Error(`${twice} mails came twice`);
} catch (error) {
  failed = true;
  console.error(error);
} finally {
  server.removeAllListeners('exit');
  server.kill('SIGTERM');
  await new Promise((done) => server.once('exit', done));
  agent.destroy();
  relay.close();
  rmSync(DIRECTORY, { recursive: true });
}
process.exit(failed ? 1 : 0);
