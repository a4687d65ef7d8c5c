// Google's push service (FCM, HTTP v1) and the server that gives out its access tokens, over HTTP/2. Assertions are
// checked with jose; requests by a discovery document. The first event after the port holds the key of a service account.
//
// Options, as JSON in the first argument: description, the path of Google's own document (else fcm-messages.json).
// The last three digits of a registration token choose the answer: see `answers`; any other is taken.
// Orders, one JSON line each: {"revoke": true} makes all access tokens worthless; {"grant": {"status", "retry-after"?}}
// is what the next requests for one get, until {"grant": null}.
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http2';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Description } from './discovery.mjs';
import { ServiceAccount, problem } from './google.mjs';

const PROJECT = 'example-agent';
const tell = (event) => process.stdout.write(`${JSON.stringify(event)}\n`);
const account = new ServiceAccount(PROJECT, 'push', 'https://www.googleapis.com/auth/firebase.messaging', tell);

const ours = fileURLToPath(new URL('fcm-messages.json', import.meta.url));
const options = JSON.parse(process.argv[2] ?? '{}');
// Apps still give out registration tokens.
const description = new Description(options.description ?? ours, ['/message/token']);

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

function send(request, text) {
  const event = { event: 'push', body: JSON.parse(text) };
  if (!account.allows(request)) {
    tell({ ...event, status: 401 });
    return [401, {}, problem(401, 'UNAUTHENTICATED')];
  }
  event.violations = [...description.violations(event.body, { $ref: 'SendMessageRequest' }, '')];
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
  if (request.method === 'POST' && request.url === '/token') answer = await account.grant(text, origin());
  if (request.method === 'POST' && request.url === `/v1/projects/${PROJECT}/messages:send`) answer = send(request, text);
  if (!answer) return request.stream.session.destroy();
  const [status, headers, body] = answer;
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
});
const origin = () => `http://127.0.0.1:${server.address().port}`;
server.listen(0, '127.0.0.1', () => {
  tell({ port: server.address().port });
  tell({ event: 'account', service_account: account.file(origin()), described_by: description.revision });
});

createInterface({ input: process.stdin })
  .on('line', (line) => {
    const order = JSON.parse(line);
    account.order(order);
    tell({ event: 'ordered' });
  })
  .on('close', () => process.exit());
