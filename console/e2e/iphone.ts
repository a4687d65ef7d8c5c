// An iPhone under Apple's management, as the server sees it: it signs what it says with a certificate that an authority of the
// test's has issued, and reads what it is told. By openssl, so not by anything of ours.
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Answer, type Client, unique } from './client';

export const TOPIC = 'com.apple.mgmt.External.e2e';

const run = promisify(execFile);

/** Makes and signs things in a directory of its own. */
export class Workshop {
  private constructor(readonly directory: string) {}

  static open = async () => new Workshop(await mkdtemp(join(tmpdir(), 'allclear-e2e-pki-')));

  close = () => rm(this.directory, { recursive: true, force: true });
  path = (name: string) => join(this.directory, name);
  read = (name: string) => readFile(this.path(name), 'utf8');
  openssl = async (...args: string[]) => void (await run('openssl', args, { cwd: this.directory }));

  /** A certificate and its key, `NAME.pem` and `NAME.key`: of an authority, or issued by the one that was made first. */
  async certificate(name: string, subject: string, days = 30, authority = false): Promise<void> {
    const key = ['-newkey', 'rsa:2048', '-nodes', '-keyout', `${name}.key`, '-out', `${name}.pem`, '-days', String(days), '-subj', subject];
    const by = authority
      ? ['-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=critical,keyCertSign,cRLSign']
      : ['-CA', 'authority.pem', '-CAkey', 'authority.key', '-addext', 'basicConstraints=critical,CA:FALSE', '-addext', 'extendedKeyUsage=clientAuth'];
    await this.openssl('req', '-x509', ...key, ...by);
  }

  authority = () => this.certificate('authority', `/CN=${unique('Test authority')}`, 30, true);

  /** What Apple gives for a request: a certificate with a topic. */
  async push(request: string, topic = TOPIC, days = 365): Promise<string> {
    await writeFile(this.path('push.csr'), request);
    await this.openssl('x509', '-req', '-in', 'push.csr', '-out', 'push.pem', '-CA', 'authority.pem', '-CAkey', 'authority.key', '-CAcreateserial', '-days', String(days), '-subj', `/UID=${topic}/CN=APSP:e2e`);
    return this.read('push.pem');
  }
}

type Members = Record<string, unknown>;

function value(of: unknown): string {
  if (typeof of === 'boolean') return of ? '<true/>' : '<false/>';
  if (typeof of === 'number') return `<integer>${of}</integer>`;
  if (of instanceof Uint8Array) return `<data>${Buffer.from(of).toString('base64')}</data>`;
  if (Array.isArray(of)) return `<array>${of.map(value).join('')}</array>`;
  if (typeof of === 'object' && of !== null) return dictionary(of as Members);
  return `<string>${String(of).replaceAll('&', '&amp;').replaceAll('<', '&lt;')}</string>`;
}
const dictionary = (members: Members) => `<dict>${Object.entries(members).map(([key, of]) => `<key>${key}</key>${value(of)}`).join('')}</dict>`;
export const plist = (members: Members) => `<?xml version="1.0" encoding="UTF-8"?><plist version="1.0">${dictionary(members)}</plist>`;

/** What a phone is told. */
export type Told = { id: string; kind: string; text: string };

export class Iphone {
  private constructor(
    readonly admin: Client,
    readonly id: string,
    readonly name: string,
    readonly udid: string,
    readonly workshop: Workshop,
  ) {}

  /** An enrolled one that has said what it is. */
  static async enroll(admin: Client, supervised = true): Promise<Iphone> {
    const workshop = await Workshop.open();
    await workshop.authority();
    const { version, trusted_authorities, scep_url, push_url } = await admin.get('/api/v1/apple-mdm');
    const trusted = [...trusted_authorities.map(({ certificate }: Answer) => certificate), await workshop.read('authority.pem')].slice(-10);
    const set = await admin.call('PUT', '/api/v1/apple-mdm', { trusted_authorities: trusted, scep_url, push_url, version });
    if (set.status !== 200) throw new Error(JSON.stringify(set.body));
    const user = await admin.post('/api/v1/users', { user_name: unique('user') });
    const token = await admin.post('/api/v1/enrollment-tokens', { user_id: user.id });
    // The tenant's number is in the token.
    await workshop.certificate('device', `/CN=${token.token.split('_')[1]}-${token.id}`);
    const udid = randomUUID();
    const phone = new Iphone(admin, '', '', udid, workshop);
    await phone.#checkIn('Authenticate', { Topic: TOPIC, SerialNumber: unique('SN'), OSVersion: '18.1', ProductName: 'iPhone17,1' });
    await phone.#checkIn('TokenUpdate', { Topic: TOPIC, Token: new Uint8Array(32), PushMagic: 'magic', UnlockToken: new Uint8Array(8) });
    const { device_id } = await admin.get(`/api/v1/enrollment-tokens/${token.id}`);
    const { friendly_name } = await admin.get(`/api/v1/devices/${device_id}`);
    const enrolled = new Iphone(admin, device_id, friendly_name, udid, workshop);
    const answers: Record<string, Members> = {
      DeviceInformation: { QueryResponses: { OSVersion: '18.1', IsSupervised: supervised } },
      SecurityInfo: { SecurityInfo: { PasscodePresent: true, HardwareEncryptionCaps: 3 } },
      ProfileList: { ProfileList: [] },
      InstalledApplicationList: { InstalledApplicationList: [{ Identifier: 'com.example.work', Name: 'Work' }] },
    };
    let told = await enrolled.says('Idle');
    while (told && answers[told.kind]) told = await enrolled.says('Acknowledged', told.id, answers[told.kind]);
    return enrolled;
  }

  async #put(path: string, body: string): Promise<{ status: number; text: string }> {
    const name = randomUUID();
    await writeFile(this.workshop.path(name), body);
    await this.workshop.openssl('cms', '-sign', '-binary', '-md', 'sha256', '-in', name, '-signer', 'device.pem', '-inkey', 'device.key', '-outform', 'DER', '-out', `${name}.p7`);
    const signature = (await readFile(this.workshop.path(`${name}.p7`))).toString('base64');
    const answer = await fetch(this.admin.url + path, { method: 'PUT', headers: { 'Mdm-Signature': signature }, body });
    return { status: answer.status, text: await answer.text() };
  }

  async #checkIn(kind: string, members: Members): Promise<void> {
    const { status, text } = await this.#put('/apple/v1/checkin', plist({ MessageType: kind, UDID: this.udid, ...members }));
    if (status !== 200) throw new Error(`${kind}: ${status} ${text}`);
  }

  /** Reports, and is told what comes next; nothing if there is nothing. */
  async says(status: string, command?: string, members: Members = {}): Promise<Told | undefined> {
    const answer = await this.report(status, command, members);
    if (answer.status !== 200) throw new Error(`${status}: ${answer.status} ${answer.text}`);
    const id = /<key>CommandUUID<\/key>\s*<string>([^<]+)/.exec(answer.text)?.[1];
    const kind = /<key>RequestType<\/key>\s*<string>([^<]+)/.exec(answer.text)?.[1];
    return id && kind ? { id, kind, text: answer.text } : undefined;
  }

  report = (status: string, command?: string, members: Members = {}) =>
    this.#put('/apple/v1/command', plist({ Status: status, UDID: this.udid, ...(command ? { CommandUUID: command } : {}), ...members }));

  close = () => this.workshop.close();
}
