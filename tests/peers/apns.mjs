// Apple's push service as its documentation describes it: HTTP/2, provider tokens checked with jose, headers and bodies
// by its rules. The first event after the port holds the key that a team is given.
//
// Options, as JSON in the first argument: key_id, team_id, topic; and for the management of devices tls {cert, key, ca},
// PEM: then it speaks TLS and takes pushes of clients with a certificate of that authority, without a token.
// The last three digits of a device token choose the answer: see `answers`; any other is taken.
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { createSecureServer, createServer } from 'node:http2';
import { decodeProtectedHeader, jwtVerify } from 'jose';

const options = JSON.parse(process.argv[2] ?? '{}');
const tell = (event) => process.stdout.write(`${JSON.stringify(event)}\n`);
const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });

const answers = {
  400: { reason: 'BadDeviceToken' },
  403: { reason: 'InvalidProviderToken' },
  410: { reason: 'Unregistered', timestamp: Date.now() + 60_000 },
  411: { status: 410, reason: 'Unregistered', timestamp: 1_000_000_000_000 },
  429: { reason: 'TooManyRequests', 'retry-after': '7' },
  500: { reason: 'InternalServerError' },
  503: { reason: 'Shutdown' },
};

class Refused extends Error {
  constructor(status, reason) {
    super(reason);
    this.status = status;
  }
}
const that = (holds, status, reason) => {
  if (!holds) throw new Refused(status, reason);
};

// The provider tokens seen, by when they were issued.
const issued = new Set();

async function signedIn(request) {
  const { authorization } = request.headers;
  if (options.tls) {
    that(request.stream.session.socket.authorized, 403, 'BadCertificate');
    that(!authorization, 403, 'InvalidProviderToken');
    const uid = request.stream.session.socket.getPeerCertificate().subject.UID;
    that(uid === request.headers['apns-topic'], 400, 'TopicDisallowed');
    const { fingerprint256 } = request.stream.session.socket.getPeerCertificate();
    return { certificate: uid, fingerprint: fingerprint256.replaceAll(":", "").toLowerCase() };
  }
  that(authorization?.startsWith('bearer '), 403, 'MissingProviderToken');
  const token = authorization.slice('bearer '.length);
  const check = { algorithms: ['ES256'], issuer: options.team_id };
  const verified = await jwtVerify(token, publicKey, check).catch(() => undefined);
  that(verified, 403, 'InvalidProviderToken');
  that(decodeProtectedHeader(token).kid === options.key_id, 403, 'InvalidProviderToken');
  const { iat } = verified.payload;
  const age = Date.now() / 1000 - iat;
  that(age >= -60, 403, 'InvalidProviderToken');
  that(age < 3600, 403, 'ExpiredProviderToken');
  that([...issued].every((other) => other === iat || Math.abs(other - iat) >= 1200), 429, 'TooManyProviderTokenUpdates');
  issued.add(iat);
  return { token };
}

function checked(request, text) {
  const header = (name) => request.headers[`apns-${name}`];
  that(request.method === 'POST', 405, 'MethodNotAllowed');
  const [, token] = /^\/3\/device\/([0-9a-f]+)$/i.exec(request.url) ?? [];
  that(token, 404, 'BadPath');
  that(Buffer.byteLength(text) <= 4096, 413, 'PayloadTooLarge');
  const body = JSON.parse(text);
  that(header('topic'), 400, 'MissingTopic');
  that(options.tls || header('topic') === options.topic, 400, 'DeviceTokenNotForTopic');
  that(['alert', 'background', 'mdm'].includes(header('push-type')), 400, 'InvalidPushType');
  that((header('push-type') === 'mdm') === Boolean(options.tls), 400, 'InvalidPushType');
  that(['1', '5', '10'].includes(header('priority')), 400, 'BadPriority');
  if (header('push-type') === 'background') {
    that(header('priority') === '5', 400, 'BadPriority');
    that(body.aps['content-available'] === 1 && !body.aps.alert, 400, 'InvalidPushType');
  }
  that(header('push-type') !== 'alert' || body.aps.alert, 400, 'PayloadEmpty');
  that(header('push-type') !== 'mdm' || Object.keys(body).join() === 'mdm', 400, 'InvalidPushType');
  that(/^[0-9]+$/.test(header('expiration')) && header('expiration') > Date.now() / 1000, 400, 'BadExpirationDate');
  that((header('collapse-id') ?? '').length <= 64, 400, 'BadCollapseId');
  return { device_token: token, body };
}

async function handle(request, response) {
  const pieces = [];
  for await (const piece of request) pieces.push(piece);
  const headers = Object.entries(request.headers).filter(([name]) => name.startsWith('apns-'));
  const event = { event: 'push', headers: Object.fromEntries(headers), session: sessions.get(request.stream.session) };
  const id = request.headers['apns-id'] ?? randomUUID();
  try {
    event.by = await signedIn(request);
    Object.assign(event, checked(request, Buffer.concat(pieces).toString()));
    const chosen = event.device_token.slice(-3);
    if (chosen === '599') {
      tell({ ...event, status: 'dropped' });
      request.stream.session.destroy();
      return;
    }
    const { reason, timestamp, status, ...more } = answers[chosen] ?? {};
    event.status = reason ? (status ?? Number(chosen)) : 200;
    tell(event);
    response.writeHead(event.status, { 'apns-id': id, ...more });
    response.end(reason ? JSON.stringify({ reason, timestamp }) : undefined);
  } catch (error) {
    const status = error.status ?? 400;
    tell({ ...event, status, error: String(error) });
    response.writeHead(status, { 'apns-id': id });
    response.end(JSON.stringify({ reason: error.message }));
  }
}

const tls = options.tls && { ...options.tls, requestCert: true, rejectUnauthorized: false };
const server = tls ? createSecureServer(tls, handle) : createServer(handle);
const sessions = new Map();
server.on('session', (session) => sessions.set(session, sessions.size + 1));
server.listen(0, '127.0.0.1', () => {
  tell({ port: server.address().port });
  tell({ event: 'key', private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }) });
});
process.stdin.on('end', () => process.exit(0)).resume();
