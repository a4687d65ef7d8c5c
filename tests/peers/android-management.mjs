// Google's management of Android devices (Android Management API), its Pub/Sub, and the server that gives out its access
// tokens. Requests are held to a discovery document, and so are the answers; assertions are checked with jose. The first
// event after the port holds the key of a service account.
//
// Options, as JSON in the first argument: description, the path of Google's own document (else android-management.json);
// enterprise, one that is there from the beginning; comply, whether devices do by themselves what they are told;
// ack_deadline and pull_wait in seconds; keys_max_age in seconds.
// Orders, one JSON line each, any of the members of `orders` below, with what is said there, or what google.mjs takes; `id`
// is repeated in the event `ordered`, which holds the result or the error. Each request is an event as well, with what is
// wrong with it; an answer of ours that is not by the document is the event `wrong_answer`.
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Devices, Refusal, invalid, some } from './android-devices.mjs';
import { Description } from './discovery.mjs';
import { ServiceAccount, problem } from './google.mjs';
import { PubSub } from './pubsub.mjs';

const PROJECT = 'example-project';
const SCOPES = 'https://www.googleapis.com/auth/androidmanagement https://www.googleapis.com/auth/pubsub';
const STATUS = {
  400: 'INVALID_ARGUMENT', 401: 'UNAUTHENTICATED', 403: 'PERMISSION_DENIED', 404: 'NOT_FOUND', 409: 'ABORTED',
  429: 'RESOURCE_EXHAUSTED', 500: 'INTERNAL', 503: 'UNAVAILABLE',
};
const QR = {
  'android.app.extra.PROVISIONING_DEVICE_ADMIN_COMPONENT_NAME':
    'com.google.android.apps.work.clouddpc/.receivers.CloudDeviceAdminReceiver',
  'android.app.extra.PROVISIONING_DEVICE_ADMIN_SIGNATURE_CHECKSUM': 'I5YvS0O5hXY46mb01BlRjq4oJJGs2kuUcHvVkAPEXlg',
  'android.app.extra.PROVISIONING_DEVICE_ADMIN_PACKAGE_DOWNLOAD_LOCATION':
    'https://play.google.com/managed/downloadManagingApp?identifier=setup',
};
const tell = (event) => process.stdout.write(`${JSON.stringify(event)}\n`);
const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const random = (bytes) => randomBytes(bytes).toString('base64url');
const options = JSON.parse(process.argv[2] ?? '{}');
const management = new Description(options.description ?? here('android-management.json'));
const messages = new Description(here('pubsub.json'));
const account = new ServiceAccount(PROJECT, 'allclear', SCOPES, tell);
const pubsub = new PubSub({
  project: PROJECT,
  topic: 'android',
  subscription: 'allclear',
  deadline: 1000 * (options.ack_deadline ?? 10),
  patience: 1000 * (options.pull_wait ?? 20),
  maxAge: options.keys_max_age ?? 20000,
  tell,
});
const signUps = new Map();
const enterprises = new Map();
const failures = [];

// What the enterprise of a resource wants to be told of it.
const devices = new Devices((kind, resource) => {
  const enterprise = enterprises.get(resource.name.split('/').slice(0, 2).join('/'));
  if (!enterprise?.pubsubTopic || !enterprise.enabledNotificationTypes?.includes(kind)) return;
  check(resource, kind === 'COMMAND' ? 'Operation' : 'Device', kind);
  pubsub.publish(kind, resource);
});
devices.comply = options.comply ?? false;
if (options.enterprise) {
  const enabledNotificationTypes = ['ENROLLMENT', 'STATUS_REPORT', 'COMMAND'];
  enterprises.set(options.enterprise, { name: options.enterprise, pubsubTopic: pubsub.topic, enabledNotificationTypes });
}

// What we say is held to the document as well.
function check(said, schema, what, description = management) {
  const violations = [...description.violations(said, { $ref: schema }, '', false)];
  if (violations.length) tell({ event: 'wrong_answer', what, violations });
}

const held = (map, name) => {
  if (!map.has(name)) throw new Refusal(404, 'NOT_FOUND', `there is no ${name}`);
  return map.get(name);
};
const enterpriseOf = (name) => held(enterprises, name.split('/').slice(0, 2).join('/'));

function withTopic(enterprise) {
  if ([...(enterprise.enterpriseDisplayName ?? '')].length > 100) throw invalid('/enterpriseDisplayName: is too long');
  if (enterprise.pubsubTopic && enterprise.pubsubTopic !== pubsub.topic) throw invalid('/pubsubTopic: cannot be published to');
  if (enterprise.pubsubTopic) pubsub.publish('test');
  return enterprise;
}

// Some of a map's values under a name: { [member]: values, nextPageToken? }.
function page(all, member, query) {
  const size = Math.min(Number(query.get('pageSize') ?? 10) || 10, 100);
  const from = Number(query.get('pageToken') ?? 0);
  if (!Number.isInteger(from)) throw invalid('?pageToken');
  const next = from + size < all.length ? String(from + size) : undefined;
  return some({ [member]: all.slice(from, from + size), nextPageToken: next });
}

function checkPolicy(policy) {
  for (const [i, rule] of (policy.policyEnforcementRules ?? []).entries()) {
    const [block, wipe] = [rule.blockAction?.blockAfterDays ?? 0, rule.wipeAction?.wipeAfterDays ?? 0];
    if (!rule.blockAction || !rule.wipeAction || block >= wipe) {
      throw invalid(`/policyEnforcementRules/${i}: needs a blockAction, and a wipeAction after it`);
    }
  }
  const packages = (policy.applications ?? []).map((one) => one.packageName);
  if (packages.length > 3000 || new Set(packages).size < packages.length) throw invalid('/applications: too many, or one twice');
}

// What the methods do: (name, query, body) to an answer.
const methods = {
  'signupUrls.create': (_, query) => {
    if (query.get('projectId') !== PROJECT || !query.get('callbackUrl')) throw invalid('?projectId, ?callbackUrl');
    const name = `signupUrls/C${random(9)}`;
    signUps.set(name, { callback: query.get('callbackUrl') });
    return { name, url: `${origin()}/${name}` };
  },
  'enterprises.create': (_, query, enterprise) => {
    const signUp = signUps.get(query.get('signupUrlName'));
    if (query.get('projectId') !== PROJECT || !signUp?.token || signUp.token !== query.get('enterpriseToken')) {
      throw invalid('the sign-up is not complete');
    }
    const made = withTopic({ ...enterprise, name: `enterprises/LC${randomBytes(4).toString('hex')}` });
    signUps.delete(query.get('signupUrlName'));
    enterprises.set(made.name, made);
    return made;
  },
  'enterprises.get': (name) => held(enterprises, name),
  'enterprises.patch': (name, query, change) => Object.assign(held(enterprises, name), withTopic(masked(query, change))),
  'enterprises.policies.patch': (name, query, policy) => {
    enterpriseOf(name);
    if (policy.name !== undefined && policy.name !== name) throw invalid('/name: is another');
    checkPolicy(policy);
    const before = devices.policies.get(name);
    const kept = query.get('updateMask') ? { ...before, ...masked(query, policy) } : policy;
    const written = { ...kept, name, version: String(Number(before?.version ?? 0) + 1) };
    devices.policies.set(name, written);
    devices.policyChanged(name);
    return written;
  },
  'enterprises.policies.get': (name) => held(devices.policies, name),
  'enterprises.policies.list': (name, query) => page(within(devices.policies, name), 'policies', query),
  'enterprises.policies.delete': (name) => {
    held(devices.policies, name);
    const isUsed = [...devices.devices.values()].some((one) => one.policyName === name && one.state !== 'DELETED');
    if (isUsed) throw new Refusal(400, 'FAILED_PRECONDITION', 'devices refer to the policy');
    devices.policies.delete(name);
    return {};
  },
  'enterprises.enrollmentTokens.create': (name, _, token) => {
    const enterprise = enterpriseOf(name).name;
    const seconds = parseFloat(token.duration ?? '3600s');
    if (seconds < 60 || [...(token.additionalData ?? '')].length > 1024) throw invalid('/duration, /additionalData');
    const value = random(15);
    const extras = { 'com.google.android.apps.work.clouddpc.EXTRA_ENROLLMENT_TOKEN': value };
    const made = {
      ...token,
      name: `${enterprise}/enrollmentTokens/${random(32)}`,
      policyName: devices.policyName(enterprise, token.policyName ?? 'default'),
      value,
      qrCode: JSON.stringify({ ...QR, 'android.app.extra.PROVISIONING_ADMIN_EXTRAS_BUNDLE': extras }),
      expirationTimestamp: new Date(Date.now() + 1000 * seconds).toISOString(),
    };
    devices.tokens.set(made.name, made);
    return made;
  },
  'enterprises.enrollmentTokens.get': (name) => {
    const { name: _, policyName, duration, oneTimeOnly, additionalData, ...shown } = held(devices.tokens, name);
    return { name, ...shown };
  },
  'enterprises.enrollmentTokens.delete': (name) => {
    held(devices.tokens, name);
    devices.tokens.delete(name);
    return {};
  },
  'enterprises.devices.get': (name) => devices.device(name),
  'enterprises.devices.list': (name, query) => {
    const there = within(devices.devices, enterpriseOf(name).name).filter((one) => one.state !== 'DELETED');
    return page(there, 'devices', query);
  },
  'enterprises.devices.patch': (name, query, change) => {
    const fields = ['policyName', 'state', 'disabledReason'];
    const changed = masked(query, change);
    const other = Object.keys(changed).find((field) => !fields.includes(field));
    if (other) throw invalid(`/${other}: cannot be changed`);
    return devices.patch(name, changed, enterpriseOf(name).name);
  },
  'enterprises.devices.delete': (name) => devices.delete(name),
  'enterprises.devices.issueCommand': (name, _, command) => devices.issue(name, command),
  'enterprises.devices.operations.get': (name) => devices.operation(name),
  'enterprises.devices.operations.cancel': (name) => {
    devices.answer({ operation: devices.operation(name).name, error: { code: 1, message: 'CANCELLED' } });
    return {};
  },
  'projects.subscriptions.pull': (name, _, body, gone) => {
    if (name !== pubsub.subscription) throw new Refusal(404, 'NOT_FOUND', `there is no ${name}`);
    if (!(body.maxMessages >= 1)) throw invalid('/maxMessages');
    return pubsub.pull(body, gone);
  },
  'projects.subscriptions.acknowledge': (name, _, body) => {
    if (name !== pubsub.subscription) throw new Refusal(404, 'NOT_FOUND', `there is no ${name}`);
    return pubsub.acknowledge(body);
  },
};

const within = (map, name) => [...map.values()].filter((one) => one.name.startsWith(`${name.split('/').slice(0, 2).join('/')}/`));

// What of a body is meant: what the mask names, or all that is there.
function masked(query, body) {
  const mask = query.get('updateMask')?.split(',');
  return mask ? Object.fromEntries(mask.map((field) => [field, body[field]])) : body;
}

// An answer to a request of the API: status, headers, body; or null for none.
async function answer(request, response, url, text) {
  let body;
  try {
    body = text === '' ? undefined : JSON.parse(text);
  } catch (error) {
    body = text;
  }
  const path = decodeURI(url.pathname);
  const description = [management, messages].find((one) => one.method(request.method, path));
  const method = description?.method(request.method, path);
  const event = { event: 'request', method: method?.id.replace(/^[a-z]+\./, ''), path, query: url.search, body };
  const done = (status, headers, said) => {
    tell({ ...event, status });
    return [status, headers, said];
  };
  if (!account.allows(request)) return done(401, {}, problem(401, 'UNAUTHENTICATED'));
  event.violations = method ? [...description.wrong(method, url.searchParams, body)] : ['is no method'];
  const failure = failures.find((one) => event.method?.endsWith(one.method ?? ''));
  if (failure && --failure.times <= 0) failures.splice(failures.indexOf(failure), 1);
  if (failure?.drop === 'before') return tell({ ...event, status: 'dropped' }), null;
  if (failure && !failure.drop) {
    const headers = failure.retry_after ? { 'retry-after': failure.retry_after } : {};
    return done(failure.status, headers, problem(failure.status, failure.code ?? STATUS[failure.status]));
  }
  if (!method) return done(404, {}, problem(404, 'NOT_FOUND'));
  if (event.violations.length) return done(400, {}, problem(400, 'INVALID_ARGUMENT', [], event.violations.join('; ')));
  const name = path.replace(/^\/v1\//, '').replace(/:[a-zA-Z]+$/, '');
  const run = methods[event.method];
  if (!run) return done(501, {}, problem(501, 'UNIMPLEMENTED'));
  try {
    const gone = new Promise((resolve) => response.once('close', resolve));
    const said = await run(name, url.searchParams, body, gone);
    check(said, method.response.$ref, event.method, description);
    if (failure?.drop === 'after') return tell({ ...event, status: 'dropped' }), null;
    return done(200, {}, said);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return done(error.code, {}, problem(error.code, error.status, [], error.message));
  }
}

// Somebody signs their organisation up: where they are sent afterwards.
function signUp(name) {
  const { callback } = held(signUps, name);
  const token = `E${random(15)}`;
  signUps.set(name, { callback, token });
  const back = new URL(callback);
  back.searchParams.set('enterpriseToken', token);
  return { callback: back.href, enterprise_token: token };
}

const server = createServer(async (request, response) => {
  const pieces = [];
  for await (const piece of request) pieces.push(piece);
  const text = Buffer.concat(pieces).toString();
  const url = new URL(request.url, origin());
  let result;
  if (request.method === 'POST' && url.pathname === '/token') result = await account.grant(text, origin());
  else if (request.method === 'GET' && url.pathname === '/certs') result = await pubsub.certificates();
  else if (request.method === 'GET' && signUps.has(url.pathname.slice(1))) {
    result = [302, { location: signUp(url.pathname.slice(1)).callback }, {}];
  } else result = await answer(request, response, url, text);
  if (!result) return request.socket.destroy();
  const [status, headers, body] = result;
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
});
server.keepAliveTimeout = 120_000;
const origin = () => `http://127.0.0.1:${server.address().port}`;

const orders = {
  // Whoever has the sign-up of this name signs up: { callback, enterprise_token }. As GET of its url does.
  sign_up: (name) => signUp(name),
  // A device enrolls: { token or qr, serial?, ownership?, device? } to { device }, its name.
  enroll: (order) => devices.enroll(order),
  // A device reports: { device, set?, apply?, publish? }, see android-devices.mjs; to the device.
  report: (order) => devices.report(order),
  // What a device does not comply with: { device, settings: { settingName: reason or detail } }; to the device.
  refuse: (order) => devices.refuse(order),
  // A device's owner removes the management: { device }. It does nothing by itself any more.
  leave: (order) => devices.leave(order),
  // A command comes to its end: { operation, error?, errorCode?, status?, publish? }; to the operation.
  answer: (order) => devices.answer(order),
  // Whether devices do by themselves what they are told.
  comply: (order) => void (devices.comply = order),
  // What requests get: { method?, status, code?, retry_after?, times? } or { method?, drop: "before" or "after", times? }.
  // `method` is the end of a method's name, such as "devices.patch". null: nothing any more.
  fail: (order) => void (order ? failures.push({ times: 1, ...order }) : failures.splice(0)),
  // A message of any content: { attributes?, data? in base64 }; to what it is called.
  publish: (order) => pubsub.put(order),
  // All messages that are not acknowledged come again at once.
  redeliver: () => pubsub.redeliver(),
  // How many messages are not acknowledged.
  waiting: () => pubsub.waiting,
  // Messages are pushed from now on: { endpoint, audience?, email }; null: they are fetched.
  push: (order) => pubsub.pushTo(order),
  // One message is pushed once: { endpoint, audience?, email, message, forge? }; to { status, body }.
  deliver: (order) => pubsub.deliver(order),
  // Another key signs pushed messages.
  rotate: () => pubsub.rotate(),
  // Whoever asks for the keys gets this status instead, until null.
  withhold: (status) => pubsub.withhold(status),
  // What is kept: { devices, policies, enterprises, tokens, operations }, each a list.
  show: () => ({
    devices: [...devices.devices.values()],
    policies: [...devices.policies.values()],
    enterprises: [...enterprises.values()],
    tokens: [...devices.tokens.values()],
    operations: [...devices.operations.values()],
  }),
};

server.listen(0, '127.0.0.1', () => {
  tell({ port: server.address().port });
  const { topic, subscription } = pubsub;
  const names = { topic, subscription, keys_url: `${origin()}/certs`, described_by: management.revision };
  tell({ event: 'account', service_account: account.file(origin()), ...names });
});

async function obey(line) {
  const { id, ...order } = JSON.parse(line);
  account.order(order);
  for (const [name, given] of Object.entries(order)) {
    const event = some({ event: 'ordered', id, order: name });
    try {
      const run = orders[name];
      if (!run && !['revoke', 'grant'].includes(name)) throw new Error('there is no such order');
      tell({ ...event, result: (await run?.(given)) ?? null });
    } catch (error) {
      tell({ ...event, error: error.message });
    }
  }
}

let obeyed = Promise.resolve();
createInterface({ input: process.stdin })
  .on('line', (line) => (obeyed = obeyed.then(() => obey(line))))
  .on('close', () => process.exit());
