// The settings payloads know, per platform: as the server says, and what the forms need besides.
import { useSuspenseQuery } from '@tanstack/react-query';
import type { Need, Payload, Platform, SettingSpec } from '../../api';
import { listPayloadSettingsOptions } from '../../api/@tanstack/react-query.gen';
import { words } from '../../lib/words';
import type { Part } from './spec';

/** One setting: what it may be and what it asks of a device. */
export type Setting = SettingSpec;

/** The settings of each kind of payload that the platform has. They change only with the server. */
export function usePayloadSettings(platform: Platform): Partial<Record<Payload['type'], Setting[]>> {
  return usePlatforms()[platform];
}

/** What is known of all platforms: their settings, and Apple's payloads with the release of iOS they are of. */
export const usePlatforms = () => useSuspenseQuery({ ...listPayloadSettingsOptions(), staleTime: Infinity }).data;

/** What a kind of payload is for; in the order they are offered. */
export const ORDER: Record<Payload['type'], string> = {
  restrictions: 'Limits of what the device may do',
  application_control: 'Which apps may be used',
  passcode: 'What the passcode must be like',
  wifi: 'A Wi-Fi network',
  vpn: 'A VPN',
  network_usage_rules: 'Who may use cellular data',
  web_content_filter: 'Which pages may be opened',
  custom_settings: 'Anything else the platform knows, in its own words',
};

export function needInWords(platform: Platform, need: Need): string {
  switch (need.need) {
    case 'supervised':
      return 'Supervised only';
    case 'not_user_enrollment':
      return 'Not in user enrollment';
    case 'company_owned':
      return 'Company-owned only';
    case 'fully_managed':
      return 'Fully managed only';
    case 'work_profile':
      return 'Work profile only';
    case 'minimum_os':
      return `${words(platform)} ${need.version} or newer`;
  }
}

/** What a setting needs of a device. */
export function needsOf(platform: Platform, setting: Setting): string[] {
  const needs: Need[] = [];
  if (platform === 'ios') {
    if (setting.supervised) needs.push({ need: 'supervised' });
    else if (!setting.user_enrollment) needs.push({ need: 'not_user_enrollment' });
  }
  if (setting.management !== 'any') needs.push({ need: setting.management });
  if (setting.min_os) needs.push({ need: 'minimum_os', version: setting.min_os });
  return needs.map((need) => needInWords(platform, need));
}

/** The value a restriction begins with: its strictest. */
export function strictest(setting: Setting): unknown {
  switch (setting.kind) {
    case 'bool':
      return setting.restrictive !== 'false';
    case 'integer':
      return setting.restrictive === 'higher' ? setting.max : setting.min;
    case 'number':
      return setting.restrictive === 'higher' ? setting.values.at(-1) : setting.values[0];
    case 'enum':
      return setting.values.at(-1);
    case 'enum_list':
    case 'string_list':
    case 'list':
      return [];
    case 'string':
    case 'secret':
      return '';
    case 'object':
      return {};
  }
}

const SPELLED: Record<string, string> = {
  ssid: 'SSID', wpa: 'WPA', wpa2: 'WPA2', wpa3: 'WPA3', ikev2: 'IKEv2', vpn: 'VPN', iccids: 'ICCIDs', url: 'URL', bundle_id: 'Bundle ID',
  permitted_urls: 'Permitted URLs', denied_urls: 'Denied URLs', content_filter_uuid: 'Content filter UUID',
};

/** `deviceRadioState.wifiState` → `Wifi state`; `CAMERA_ACCESS_DISABLED` → `Camera access disabled`; `min_length` → `Min length`. */
export function labelOf(key: string): string {
  const last = key.split('.').at(-1) ?? key;
  return SPELLED[last] ?? words(last.replace(/([a-z\d])([A-Z])/g, '$1 $2').toLowerCase());
}

/** A payload as it is added. */
export function freshPart(platform: Platform, type: Payload['type']): Part {
  switch (type) {
    case 'restrictions':
      return { type, settings: {} };
    case 'application_control':
      return { type, mode: 'denylist', apps: [] };
    case 'passcode':
      return { type };
    case 'wifi':
      return { type, ssid: '', security: 'wpa2' };
    case 'vpn':
      return { type, connection: 'app' };
    case 'network_usage_rules':
      return { type, application_rules: [] };
    case 'web_content_filter':
      return { type, filter: 'built_in' };
    case 'custom_settings':
      return platform === 'ios' ? { type, payload_type: '', content: {} } : { type, content: {} };
  }
}

/** An entry of a list in a payload as it is added. */
export function freshEntry(platform: Platform, list: string, part: Part): Record<string, unknown> {
  switch (list) {
    case 'apps':
      return { [platform === 'ios' ? 'bundle_id' : 'package_name']: '', action: part.mode === 'allowlist' ? 'allow' : 'disable' };
    case 'application_rules':
      return { apps: [], allow_cellular_data: false };
    case 'sim_rules':
      return { iccids: [], wifi_assist: 'default' };
    case 'bookmarks':
      return { url: '', title: '' };
    default:
      return {};
  }
}

/** Members a payload cannot do without: emptied, they stay empty instead of going. */
export const REQUIRED = new Set(['mode', 'action', 'security', 'connection', 'filter', 'wifi_assist', 'ssid', 'package_name', 'bundle_id', 'url', 'title', 'payload_type', 'apps', 'iccids']);

const only = (by: string, value: string, members: string[]) => members.map((member) => [member, [by, value]] as const);
/** Members that belong to one choice of another member. */
const ONLY_FOR: Partial<Record<Payload['type'], Map<string, readonly [by: string, value: string]>>> = {
  vpn: new Map([...only('connection', 'app', ['app']), ...only('connection', 'ikev2', ['remote_identifier', 'local_identifier', 'shared_secret'])]),
  web_content_filter: new Map([
    ...only('filter', 'built_in', ['auto_filter', 'permitted_urls', 'denied_urls', 'bookmarks']),
    ...only('filter', 'plugin', ['name', 'app', 'server', 'account', 'password', 'filter_browsers', 'filter_sockets', 'content_filter_uuid']),
  ]),
};
export function applies(part: Part, member: string): boolean {
  const condition = ONLY_FOR[part.type]?.get(member);
  return !condition || part[condition[0]] === condition[1];
}

/** A payload with one member changed, without the members that no longer belong to it. */
export function withMember(part: Part, member: string, value: unknown): Part {
  const next = { ...part, [member]: value };
  return Object.fromEntries(Object.entries(next).filter(([key, each]) => each !== undefined && applies(next, key))) as Part;
}
