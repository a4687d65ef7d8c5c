// An HTTP gateway for text messages: Prism answers what messages-api.yaml describes, and refuses what it does not; npm
// twilio signs the callbacks.
//
// Options, as JSON in the first argument: auth_token (signs callbacks; another one is refused in a request).
// The number a message goes to chooses the answer, as the provider's test numbers do: see `answers`.
// Orders, one JSON line each: {"callback": {"sid", "status", "error"?, "token"?}} posts news of a message to the address
// that came with it, signed with `token` instead of the account's if there is one.
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import httpServer from '@stoplight/prism-http-server';
import prismHttp from '@stoplight/prism-http';
import prismCore from '@stoplight/prism-core';
import twilio from 'twilio';

const options = JSON.parse(process.argv[2] ?? '{}');
const print = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const answers = {
  '+15005550001': 'code=400, example=invalid_number',
  '+15005550004': 'code=400, example=unsubscribed',
  '+15005550007': 'code=400, example=wrong_sender',
  '+15005550009': 'code=400, example=not_mobile',
  '+15005550429': 'code=429',
  '+15005550503': 'code=503',
};
const messages = new Map();

const operations = await prismHttp.getHttpOperationsFromSpec(
  fileURLToPath(new URL('messages-api.yaml', import.meta.url)),
);
const prism = httpServer.createServer(operations, {
  cors: false,
  config: {
    mock: { dynamic: false },
    validateRequest: true,
    validateResponse: true,
    checkSecurity: true,
    errors: false,
    isProxy: false,
  },
  components: { logger: prismCore.createLogger('prism', { level: 'silent' }) },
});
const behind = await prism.listen(0, '127.0.0.1');

function prefer(request, form) {
  const [, credentials] = (request.headers.authorization ?? '').split(' ');
  const [, token] = Buffer.from(credentials ?? '', 'base64').toString().split(':');
  if (credentials && token !== options.auth_token) return 'code=401, example=authenticate';
  return answers[form.get('To')] ?? 'code=201, dynamic=true';
}

const server = createServer(async (request, response) => {
  const pieces = [];
  for await (const piece of request) pieces.push(piece);
  const body = Buffer.concat(pieces);
  const form = new URLSearchParams(body.toString());
  const { authorization, 'content-type': type } = request.headers;
  const headers = { 'content-type': type, prefer: prefer(request, form), ...(authorization && { authorization }) };
  const answer = await fetch(`${behind}${request.url}`, { method: request.method, headers, body });
  const text = await answer.text();
  const sid = answer.status === 201 ? JSON.parse(text).sid : undefined;
  if (sid) messages.set(sid, form.get('StatusCallback'));
  const violations = answer.headers.get('sl-violations');
  print({ event: 'request', url: request.url, form: Object.fromEntries(form), status: answer.status, sid, violations });
  const retry = answer.headers.get('retry-after');
  response.writeHead(answer.status, { 'content-type': 'application/json', ...(retry && { 'retry-after': retry }) });
  response.end(text);
});
server.listen(0, '127.0.0.1', () => print({ port: server.address().port }));

async function callback({ sid, status, error, token }) {
  const url = messages.get(sid);
  const form = { MessageSid: sid, SmsSid: sid, MessageStatus: status, SmsStatus: status, ApiVersion: '2010-04-01' };
  if (error) form.ErrorCode = String(error);
  const headers = { 'X-Twilio-Signature': twilio.getExpectedTwilioSignature(token ?? options.auth_token, url, form) };
  const answer = await fetch(url, { method: 'POST', headers, body: new URLSearchParams(form) });
  print({ event: 'callback_answered', sid, status: answer.status });
}

createInterface({ input: process.stdin })
  .on('line', (line) => callback(JSON.parse(line).callback))
  .on('close', () => process.exit());
