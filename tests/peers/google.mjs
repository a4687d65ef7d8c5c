// A service account at Google, and the server that gives out its access tokens. Assertions are checked with jose.
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { decodeProtectedHeader, jwtVerify } from 'jose';

// A google.rpc.Status in an answer.
export const problem = (code, status, details = [], message = `because of ${status}`) => ({
  error: { code, message, status, details },
});

export class ServiceAccount {
  #tokens = new Set();
  #answer = null;
  #keys = generateKeyPairSync('rsa', { modulusLength: 2048 });

  // Tokens are for these scopes, parted by blanks. `tell` hears of each request for one.
  constructor(project, name, scope, tell) {
    Object.assign(this, { project, scope, tell, email: `${name}@${project}.iam.gserviceaccount.com` });
  }

  // The file of its key.
  file(origin) {
    return JSON.stringify({
      type: 'service_account',
      project_id: this.project,
      private_key_id: 'key1',
      private_key: this.#keys.privateKey.export({ type: 'pkcs8', format: 'pem' }),
      client_email: this.email,
      client_id: '1',
      auth_uri: `${origin}/auth`,
      token_uri: `${origin}/token`,
      universe_domain: 'googleapis.com',
    });
  }

  // A request for a token, and its answer: status, headers, body.
  async grant(text, origin) {
    const form = new URLSearchParams(text);
    const event = { event: 'grant', status: 200 };
    try {
      if (form.get('grant_type') !== 'urn:ietf:params:oauth:grant-type:jwt-bearer') throw new Error('grant_type');
      const check = { algorithms: ['RS256'], audience: `${origin}/token`, issuer: this.email };
      const { payload } = await jwtVerify(form.get('assertion'), this.#keys.publicKey, check);
      if (payload.scope !== this.scope) throw new Error('scope');
      if (payload.exp - payload.iat > 3600) throw new Error('exp');
      if (decodeProtectedHeader(form.get('assertion')).kid !== 'key1') throw new Error('kid');
    } catch (error) {
      this.tell({ ...event, status: 400, error: String(error) });
      return [400, {}, { error: 'invalid_grant', error_description: String(error) }];
    }
    if (this.#answer) {
      const { status, 'retry-after': retry } = this.#answer;
      this.tell({ ...event, status });
      return [status, retry ? { 'retry-after': retry } : {}, { error: 'later' }];
    }
    const access_token = randomBytes(24).toString('base64url');
    this.#tokens.add(access_token);
    this.tell(event);
    return [200, {}, { access_token, expires_in: 3599, token_type: 'Bearer' }];
  }

  // Whether a request shows a token that was given out.
  allows(request) {
    const [, access] = /^Bearer (.+)$/.exec(request.headers.authorization ?? '') ?? [];
    return this.#tokens.has(access);
  }

  // {"revoke": true} makes all tokens worthless; {"grant": {"status", "retry-after"?}} is what the next requests for one get.
  order(order) {
    if (order.revoke) this.#tokens.clear();
    if ('grant' in order) this.#answer = order.grant;
  }
}
