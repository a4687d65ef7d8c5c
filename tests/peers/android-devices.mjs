// An enterprise's devices as Google shows them: enrolled with a token, given policies and commands, and reporting what
// they make of both. What happens to them is published.
import { randomBytes } from 'node:crypto';

const TYPE = 'type.googleapis.com/google.android.devicemanagement.v1';
const now = () => new Date().toISOString();
const id = (bytes = 8) => randomBytes(bytes).toString('hex');
// Those of these members that are there.
export const some = (members) => Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));

export class Refusal extends Error {
  constructor(code, status, message) {
    super(message);
    Object.assign(this, { code, status });
  }
}
export const invalid = (message) => new Refusal(400, 'INVALID_ARGUMENT', message);
const missing = (name) => new Refusal(404, 'NOT_FOUND', `there is no ${name}`);

export class Devices {
  tokens = new Map();
  policies = new Map();
  devices = new Map();
  operations = new Map();
  // Whether devices do by themselves what they are told; else only as they are ordered to.
  comply = false;
  #refused = new Map(); // what a device does not comply with: setting name to reason
  #left = new Set(); // devices that do nothing any more

  constructor(publish) {
    this.publish = publish;
  }

  // The name of a policy that is there, given in full or by its id.
  policyName(enterprise, given) {
    const name = given.includes('/') ? given : `${enterprise}/policies/${given}`;
    if (!this.policies.has(name)) throw invalid(`there is no ${name}`);
    return name;
  }

  device(name) {
    const device = this.devices.get(name);
    if (!device || device.state === 'DELETED') throw missing(name);
    return device;
  }

  // A device enrolls: { token or qr, serial?, ownership?, device? } with members of its own.
  enroll({ token, qr, serial = id(4), ownership, device: own = {} }) {
    const extras = qr && JSON.parse(qr)['android.app.extra.PROVISIONING_ADMIN_EXTRAS_BUNDLE'];
    const value = token ?? extras['com.google.android.apps.work.clouddpc.EXTRA_ENROLLMENT_TOKEN'];
    const held = [...this.tokens.values()].find((one) => one.value === value);
    if (!held || new Date(held.expirationTimestamp) <= new Date()) throw invalid('the token is not valid');
    const mayBeUsed = held.allowPersonalUsage === 'PERSONAL_USAGE_ALLOWED';
    const owned = ownership ?? (mayBeUsed ? 'PERSONALLY_OWNED' : 'COMPANY_OWNED');
    if (owned === 'PERSONALLY_OWNED' && !mayBeUsed) throw invalid('the device is not for personal usage');
    if (held.oneTimeOnly) this.tokens.delete(held.name);
    const enterprise = held.name.split('/').slice(0, 2).join('/');
    const before = [...this.devices.values()].filter((one) => one.hardwareInfo.serialNumber === serial);
    const name = `${enterprise}/devices/${id()}`;
    const device = {
      name,
      userName: `${enterprise}/users/${id()}`,
      managementMode: mayBeUsed ? 'PROFILE_OWNER' : 'DEVICE_OWNER',
      ownership: owned,
      state: 'ACTIVE',
      appliedState: 'ACTIVE',
      policyName: held.policyName,
      policyCompliant: true,
      enrollmentTime: now(),
      enrollmentTokenName: held.name,
      ...some({ enrollmentTokenData: held.additionalData }),
      ...(before.length && { previousDeviceNames: before.map((one) => one.name) }),
      apiLevel: 36,
      hardwareInfo: { brand: 'Example', manufacturer: 'Example', model: 'Phone 1', hardware: 'phone1', serialNumber: serial },
      softwareInfo: { androidVersion: '16', securityPatchLevel: '2026-11-01', androidBuildNumber: 'EX1A.261101.001' },
      deviceSettings: {
        isDeviceSecure: true,
        isEncrypted: true,
        encryptionStatus: 'ACTIVE_PER_USER',
        adbEnabled: false,
        developmentSettingsEnabled: false,
        unknownSourcesEnabled: false,
        verifyAppsEnabled: true,
      },
      securityPosture: { devicePosture: 'SECURE' },
      applicationReports: [],
      ...own,
    };
    this.devices.set(name, device);
    this.#apply(device);
    this.publish('ENROLLMENT', device);
    return { device: name };
  }

  // A device fetches its policy, and makes of it what it does.
  #apply(device) {
    const policy = this.policies.get(device.policyName);
    if (policy) Object.assign(device, { appliedPolicyName: policy.name, appliedPolicyVersion: policy.version });
    const refused = Object.entries(this.#refused.get(device.name) ?? {}).filter(([setting]) => policy?.[setting] !== undefined);
    const details = refused.map(([settingName, reason]) => ({
      settingName,
      ...(typeof reason === 'string' ? { nonComplianceReason: reason } : reason),
    }));
    Object.assign(device, {
      ...(device.appliedState !== 'LOST' && { appliedState: device.state }),
      lastPolicySyncTime: now(),
      lastStatusReportTime: now(),
      policyCompliant: !details.length,
      nonComplianceDetails: details,
    });
  }

  // A device reports: { device, set?, apply?, publish? }. It has fetched its policy unless `apply` is false; `set` are
  // members that are so from now on; a report that is not published is lost.
  report({ device: name, set = {}, apply = true, publish = true }) {
    const device = this.devices.get(name) ?? raise(missing(name));
    if (apply && device.state !== 'DELETED') this.#apply(device);
    Object.assign(device, { lastStatusReportTime: now() }, set);
    if (device.state === 'DELETED') device.appliedState = 'DELETED';
    if (publish) this.publish('STATUS_REPORT', device);
    return device;
  }

  // What a device does not comply with from now on: { device, settings: { settingName: reason or detail } }.
  refuse({ device, settings }) {
    this.device(device);
    this.#refused.set(device, settings);
    return this.comply ? this.report({ device }) : this.device(device);
  }

  // Its owner removes the management: Google does not hear of that.
  leave({ device: name }) {
    this.device(name);
    this.#left.add(name);
    return {};
  }

  #hears(device) {
    return this.comply && !this.#left.has(device.name);
  }

  patch(name, change, enterprise) {
    const device = this.device(name);
    if (change.policyName) change = { ...change, policyName: this.policyName(enterprise, change.policyName) };
    if (change.state && !['ACTIVE', 'DISABLED'].includes(change.state)) throw invalid(`/state: ${change.state}`);
    Object.assign(device, change);
    if (this.#hears(device)) setImmediate(() => this.report({ device: name }));
    return device;
  }

  // All devices of a policy that was written anew fetch it.
  policyChanged(policy) {
    for (const device of this.devices.values()) {
      if (device.policyName !== policy || device.state === 'DELETED' || !this.#hears(device)) continue;
      setImmediate(() => this.report({ device: device.name }));
    }
  }

  delete(name) {
    const device = this.device(name);
    device.state = 'DELETED';
    if (this.#hears(device)) setImmediate(() => this.report({ device: name }));
    return {};
  }

  issue(name, command) {
    const device = this.device(name);
    const params = { startLostModeParams: 'START_LOST_MODE', stopLostModeParams: 'STOP_LOST_MODE', wipeParams: 'WIPE' };
    const [given] = Object.entries(params).filter(([member]) => command[member]);
    const type = command.type ?? given?.[1];
    if (!type || (given && given[1] !== type)) throw invalid('/type: does not go with the parameters');
    if (type === 'START_LOST_MODE') {
      const { lostOrganization, ...shown } = command.startLostModeParams ?? {};
      if (!Object.keys(shown).length) throw invalid(`/startLostModeParams: ${lostOrganization ? 'only' : 'not even'} whose it is`);
    }
    const metadata = { '@type': `${TYPE}.Command`, duration: '600s', ...command, type, createTime: now(), userName: device.userName };
    const operation = { name: `${name}/operations/${Date.now()}${id(3)}`, metadata, done: false };
    this.operations.set(operation.name, operation);
    if (this.#hears(device)) setImmediate(() => this.answer({ operation: operation.name }));
    return operation;
  }

  operation(name) {
    const operation = this.operations.get(name) ?? raise(missing(name));
    const { createTime, duration } = operation.metadata;
    if (!operation.done && Date.parse(createTime) + 1000 * parseFloat(duration) <= Date.now()) {
      this.answer({ operation: name, error: { code: 4, message: 'DEADLINE_EXCEEDED' } });
    }
    return operation;
  }

  // A command comes to its end: { operation, error?, errorCode?, status?, publish? }. Without what went wrong it was carried
  // out, if such a device does that.
  answer({ operation: name, error, errorCode, status, publish = true }) {
    const operation = this.operations.get(name) ?? raise(missing(name));
    if (operation.done) return operation;
    const { metadata } = operation;
    const device = this.devices.get(name.split('/operations/')[0]);
    const isProfile = device.managementMode === 'PROFILE_OWNER';
    const isPersonal = device.ownership === 'PERSONALLY_OWNED';
    const cannot = { REBOOT: isProfile, RELINQUISH_OWNERSHIP: !isProfile || isPersonal, START_LOST_MODE: isPersonal };
    if (!error && !errorCode && !status && cannot[metadata.type]) errorCode = 'MANAGEMENT_MODE';
    const statuses = { START_LOST_MODE: 'startLostModeStatus', STOP_LOST_MODE: 'stopLostModeStatus' };
    const isDone = !error && !errorCode && (status ?? 'SUCCESS') === 'SUCCESS';
    if (errorCode) metadata.errorCode = errorCode;
    if (!error && !errorCode && statuses[metadata.type]) metadata[statuses[metadata.type]] = { status: status ?? 'SUCCESS' };
    if (!isDone) operation.error = error ?? { code: 3, message: 'the command failed' };
    else operation.response = { '@type': `${TYPE}.IssueCommandResponse` };
    operation.done = true;
    if (publish) this.publish('COMMAND', operation);
    if (isDone) this.#carriedOut(device, metadata.type);
    return operation;
  }

  #carriedOut(device, type) {
    const state = { START_LOST_MODE: 'LOST', STOP_LOST_MODE: 'ACTIVE' }[type];
    if (state) this.report({ device: device.name, apply: false, set: { appliedState: state } });
    if (type === 'WIPE' || type === 'RELINQUISH_OWNERSHIP') {
      device.state = 'DELETED';
      this.report({ device: device.name });
    }
  }
}

function raise(error) {
  throw error;
}
