// Google's push service (FCM, HTTP v1) and the server that gives out its access tokens, over HTTP/2. Assertions are
// checked with jose; requests by a discovery document. The first event after the port holds the key of a service account.
//
// Options, as JSON in the first argument: description, the path of Google's own document (else fcm-messages.json).
// The last three digits of a registration token choose the answer: see `answers`; any other is taken.
// Orders, one JSON line each: {"revoke": true} makes all access tokens worthless; {"grant": {"status", "retry-after"?}}
// is what the next requests for one get, until {"grant": null}.
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http2';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { decodeProtectedHeader, jwtVerify } from 'jose';

const PROJECT = 'example-agent';
const EMAIL = `push@${PROJECT}.iam.gserviceaccount.com`;
const SCOPE = 'https://www.googleapis.com/auth/firebase.messaging';
const tell = (event) => process.stdout.write(`${JSON.stringify(event)}\n`);
const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });

const ours = fileURLToPath(new URL('fcm-messages.json', import.meta.url));
const options = JSON.parse(process.argv[2] ?? '{}');
const description = JSON.parse(readFileSync(options.description ?? ours));

// What is wrong with a value by a schema of the discovery document.
function* violations(value, schema, at) {
  if (schema.$ref) return yield* violations(value, description.schemas[schema.$ref], at);
  const types = { any: () => true, array: Array.isArray, integer: Number.isInteger };
  const is = types[schema.type] ?? ((one) => typeof one === schema.type && one !== null && !Array.isArray(one));
  if (!is(value)) return yield `${at}: ${JSON.stringify(value)} is no ${schema.type}`;
  if (schema.enum && !schema.enum.includes(value)) yield `${at}: ${value} is none of ${schema.enum}`;
  if (schema.format === 'google-duration' && !/^[0-9]+(\.[0-9]{1,9})?s$/.test(value)) yield `${at}: ${value} is no duration`;
  if (schema.type === 'array') for (const [i, item] of value.entries()) yield* violations(item, schema.items, `${at}/${i}`);
  if (schema.type !== 'object') return;
  for (const [name, member] of Object.entries(value)) {
    const known = schema.properties?.[name] ?? schema.additionalProperties;
    if (known) yield* violations(member, known, `${at}/${name}`);
    else yield `${at}/${name}: is not known`;
  }
}

const fcm = (status, general, errorCode) => {
  const detail = { '@type': 'type.googleapis.com/google.firebase.fcm.v1.FcmError', errorCode };
  return { status, general, details: errorCode ? [detail] : [] };
};
const answers = {
  400: fcm(400, 'INVALID_ARGUMENT', 'INVALID_ARGUMENT'),
  401: fcm(401, 'UNAUTHENTICATED', 'THIRD_PARTY_AUTH_ERROR'),
  403: fcm(403, 'PERMISSION_DENIED', 'SENDER_ID_MISMATCH'),
  404: fcm(404, 'NOT_FOUND', 'UNREGISTERED'),
  429: { ...fcm(429, 'RESOURCE_EXHAUSTED', 'QUOTA_EXCEEDED'), retry: '7' },
  430: fcm(429, 'RESOURCE_EXHAUSTED', 'QUOTA_EXCEEDED'),
  500: fcm(500, 'INTERNAL', 'INTERNAL'),
  503: { ...fcm(503, 'UNAVAILABLE', 'UNAVAILABLE'), retry: '9' },
};

const tokens = new Set();
let grant = null;

async function grantToken(request, text) {
  const form = new URLSearchParams(text);
  const event = { event: 'grant', status: 200 };
  try {
    if (form.get('grant_type') !== 'urn:ietf:params:oauth:grant-type:jwt-bearer') throw new Error('grant_type');
    const audience = `${origin()}/token`;
    const check = { algorithms: ['RS256'], audience, issuer: EMAIL };
    const { payload } = await jwtVerify(form.get('assertion'), publicKey, check);
    if (payload.scope !== SCOPE) throw new Error('scope');
    if (payload.exp - payload.iat > 3600) throw new Error('exp');
    if (decodeProtectedHeader(form.get('assertion')).kid !== 'key1') throw new Error('kid');
  } catch (error) {
    tell({ ...event, status: 400, error: String(error) });
    return [400, {}, { error: 'invalid_grant', error_description: String(error) }];
  }
  if (grant) {
    tell({ ...event, status: grant.status });
    return [grant.status, grant['retry-after'] ? { 'retry-after': grant['retry-after'] } : {}, { error: 'later' }];
  }
  const access_token = randomBytes(24).toString('base64url');
  tokens.add(access_token);
  tell(event);
  return [200, {}, { access_token, expires_in: 3599, token_type: 'Bearer' }];
}

const problem = (code, status, details = []) => ({ error: { code, message: `because of ${status}`, status, details } });

function send(request, text) {
  const event = { event: 'push', body: JSON.parse(text) };
  const [, access] = /^Bearer (.+)$/.exec(request.headers.authorization ?? '') ?? [];
  if (!tokens.has(access)) {
    tell({ ...event, status: 401 });
    return [401, {}, problem(401, 'UNAUTHENTICATED')];
  }
  event.violations = [...violations(event.body, { $ref: 'SendMessageRequest' }, '')];
  const { message } = event.body;
  if (message.notification == null && message.data?.type === 'wake_up' && message.apns?.headers['apns-priority'] !== '5') {
    event.violations.push('data alone goes to Apple with priority 5');
  }
  if (Buffer.byteLength(text) > 4096) event.violations.push('too large');
  const answer = event.violations.length ? answers[400] : answers[message.token.slice(-3)];
  if (message.token.endsWith('599')) {
    tell({ ...event, status: 'dropped' });
    return null;
  }
  event.status = answer?.status ?? 200;
  tell(event);
  if (answer) {
    return [answer.status, answer.retry ? { 'retry-after': answer.retry } : {}, problem(answer.status, answer.general, answer.details)];
  }
  return [200, {}, { name: `projects/${PROJECT}/messages/0:${randomBytes(8).toString('hex')}` }];
}

const server = createServer(async (request, response) => {
  const pieces = [];
  for await (const piece of request) pieces.push(piece);
  const text = Buffer.concat(pieces).toString();
  let answer = [404, {}, problem(404, 'NOT_FOUND')];
  if (request.method === 'POST' && request.url === '/token') answer = await grantToken(request, text);
  if (request.method === 'POST' && request.url === `/v1/projects/${PROJECT}/messages:send`) answer = send(request, text);
  if (!answer) return request.stream.session.destroy();
  const [status, headers, body] = answer;
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
});
const origin = () => `http://127.0.0.1:${server.address().port}`;
server.listen(0, '127.0.0.1', () => {
  tell({ port: server.address().port });
  const account = {
    type: 'service_account',
    project_id: PROJECT,
    private_key_id: 'key1',
    private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
    client_email: EMAIL,
    client_id: '1',
    auth_uri: `${origin()}/auth`,
    token_uri: `${origin()}/token`,
    universe_domain: 'googleapis.com',
  };
  tell({ event: 'account', service_account: JSON.stringify(account), described_by: description.revision ?? 'ours' });
});

createInterface({ input: process.stdin })
  .on('line', (line) => {
    const order = JSON.parse(line);
    if (order.revoke) tokens.clear();
    if ('grant' in order) grant = order.grant;
    tell({ event: 'ordered' });
  })
  .on('close', () => process.exit());
