// Google's Pub/Sub with one topic and one subscription: messages are fetched and acknowledged, or pushed with a token
// (OpenID Connect) whose keys are at /certs. What is not acknowledged in time comes again.
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { SignJWT, exportJWK } from 'jose';

const ISSUER = 'https://accounts.google.com';
const wait = (millis) => new Promise((resolve) => setTimeout(resolve, millis));

export class PubSub {
  #messages = []; // { message, ack, until }
  #waiting = new Set();
  #count = 0;
  #push = null;
  #keys = [];

  // `deadline`: how long a message is out, `patience`: how long a request waits for the first, both in milliseconds.
  constructor({ project, topic, subscription, deadline, patience, maxAge, tell }) {
    Object.assign(this, { project, deadline, patience, maxAge, tell });
    this.topic = `projects/${project}/topics/${topic}`;
    this.subscription = `projects/${project}/subscriptions/${subscription}`;
    this.rotate();
  }

  // Tells about a resource. Returns what the message is called.
  publish(kind, resource) {
    const data = resource === undefined ? '' : Buffer.from(JSON.stringify(resource)).toString('base64');
    return this.put({ attributes: { notificationType: kind }, ...(data && { data }) });
  }

  put(message) {
    const messageId = String(++this.#count);
    this.#messages.push({ message: { ...message, messageId, publishTime: new Date().toISOString() }, until: 0 });
    this.#wake();
    return messageId;
  }

  #wake() {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
    this.#pushAll();
  }

  #due() {
    return this.#messages.filter((one) => one.until <= Date.now());
  }

  // subscriptions.pull; `gone` is settled when whoever asks has left.
  async pull({ maxMessages }, gone) {
    const ends = Date.now() + this.patience;
    let left = false;
    gone.then(() => (left = true));
    while (!this.#due().length && Date.now() < ends && !left) {
      const again = Math.min(ends, ...this.#messages.map((one) => one.until)) - Date.now();
      await Promise.race([new Promise((resolve) => this.#waiting.add(resolve)), wait(Math.max(again, 1)), gone]);
    }
    if (left) {
      this.tell({ event: 'left' });
      return {};
    }
    const taken = this.#due().slice(0, maxMessages);
    for (const one of taken) {
      Object.assign(one, { ack: randomBytes(12).toString('base64url'), until: Date.now() + this.deadline });
    }
    return taken.length ? { receivedMessages: taken.map(({ ack, message }) => ({ ackId: ack, message })) } : {};
  }

  // subscriptions.acknowledge; what is too late counts for nothing.
  acknowledge({ ackIds }) {
    const now = Date.now();
    this.#messages = this.#messages.filter((one) => !(ackIds.includes(one.ack) && one.until > now));
    return {};
  }

  // How many messages are not acknowledged.
  get waiting() {
    return this.#messages.length;
  }

  // All that is not acknowledged comes again at once.
  redeliver() {
    for (const one of this.#messages) one.until = 0;
    this.#wake();
  }

  // From now on messages are pushed there: { endpoint, audience?, email }, until null.
  pushTo(push) {
    this.#push = push;
    this.#wake();
  }

  async #pushAll() {
    const to = this.#push;
    if (!to) return;
    for (const one of this.#due()) {
      one.until = Infinity;
      for (let pause = 100; this.#push === to; pause = Math.min(2 * pause, 2000)) {
        const { status } = await this.deliver({ ...to, message: one.message });
        if (status >= 200 && status < 300) {
          this.#messages = this.#messages.filter((other) => other !== one);
          break;
        }
        await wait(pause);
      }
      if (this.#push !== to) one.until = 0;
    }
  }

  // Pushes one message, once. `forge`: what is wrong with it: signature, key, audience, email, issuer, expired, unverified,
  // unsigned or subscription.
  async deliver({ endpoint, audience = endpoint, email, message, forge }) {
    const { messageId = '0', publishTime = new Date().toISOString() } = message;
    const body = {
      message: { ...message, messageId, message_id: messageId, publishTime, publish_time: publishTime },
      subscription: forge === 'subscription' ? `${this.subscription}-other` : this.subscription,
    };
    const headers = { 'content-type': 'application/json' };
    if (forge !== 'unsigned') headers.authorization = `Bearer ${await this.#token(audience, email, forge)}`;
    const event = { event: 'pushed', messageId, kind: message.attributes?.notificationType };
    try {
      const answer = await fetch(endpoint, { method: 'POST', headers, body: JSON.stringify(body) });
      const text = await answer.text();
      this.tell({ ...event, status: answer.status });
      return { status: answer.status, body: text };
    } catch (error) {
      this.tell({ ...event, status: 0, error: String(error) });
      return { status: 0, body: String(error) };
    }
  }

  #token(audience, email, forge) {
    const now = Math.floor(Date.now() / 1000);
    const exp = forge === 'expired' ? now - 600 : now + 3600;
    const claims = {
      aud: forge === 'audience' ? 'https://other.example.com' : audience,
      azp: '113774264463038321964',
      sub: '113774264463038321964',
      email: forge === 'email' ? 'somebody@else.iam.gserviceaccount.com' : email,
      email_verified: forge !== 'unverified',
      iss: forge === 'issuer' ? 'https://accounts.example.com' : ISSUER,
      iat: exp - 3600,
      exp,
    };
    const { kid, privateKey } = this.#keys.at(-1);
    const other = forge === 'signature' ? generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey : privateKey;
    const header = { alg: 'RS256', typ: 'JWT', kid: forge === 'key' ? 'made-up' : kid };
    return new SignJWT(claims).setProtectedHeader(header).sign(other);
  }

  // Another key signs from now on; the one before is known for a while yet.
  rotate() {
    const kid = randomBytes(20).toString('hex');
    this.#keys = [...this.#keys.slice(-1), { kid, ...generateKeyPairSync('rsa', { modulusLength: 2048 }) }];
  }

  // What whoever asks for the keys gets instead: a status, until null.
  withhold(status) {
    this.withheld = status;
  }

  // The keys as Google publishes them: status, headers, body.
  async certificates() {
    if (this.withheld) return [this.withheld, {}, {}];
    const keys = this.#keys.map(async ({ kid, publicKey }) => ({ ...(await exportJWK(publicKey)), kid, alg: 'RS256', use: 'sig' }));
    this.tell({ event: 'keys' });
    return [200, { 'cache-control': `public, max-age=${this.maxAge}, must-revalidate` }, { keys: await Promise.all(keys) }];
  }
}
