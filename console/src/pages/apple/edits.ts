// The form of how Apple devices are managed: what it starts from, and what is asked of the server. A secret is never shown;
// left empty, the one in use stays.
import type { AppleMdm, AppleMdmEditWritable } from '../../api';

export type AppleDraft = {
  certificate_days: number | '';
  legacy_enrollment: boolean;
  sha1_signatures: boolean;
  /** Apple's bits that are set. */
  access_rights: string[];
  trusted_authorities: string[];
  /** Who issues the certificates of devices. */
  by: 'here' | 'elsewhere';
  scep_url: string;
  scep_challenge: string;
  without_challenge: boolean;
  push_certificate: string;
  push_key: string;
  push_url: string;
  push_authority: string;
};

/** What Apple lets a management be allowed, bit by bit. */
export const ACCESS_RIGHTS: [bit: number, label: string][] = [
  [1, 'See configuration profiles'],
  [2, 'Install and remove configuration profiles'],
  [4, 'Lock the device and clear its passcode'],
  [8, 'Erase the device'],
  [16, 'Ask what the device is'],
  [32, 'Ask for its network addresses and numbers'],
  [64, 'See provisioning profiles'],
  [128, 'Install and remove provisioning profiles'],
  [256, 'See installed apps'],
  [512, 'Ask for restrictions'],
  [1024, 'Ask how it is secured'],
  [2048, 'Change settings'],
  [4096, 'Manage apps'],
];
const bits = (rights: number) => ACCESS_RIGHTS.filter(([bit]) => (rights & bit) !== 0).map(([bit]) => String(bit));

export const appleDraft = (saved: AppleMdm): AppleDraft => ({
  certificate_days: saved.certificate_days,
  legacy_enrollment: saved.legacy_enrollment,
  sha1_signatures: saved.sha1_signatures,
  access_rights: bits(saved.access_rights),
  trusted_authorities: saved.trusted_authorities.map(({ certificate }) => certificate),
  by: saved.scep_url === null ? 'here' : 'elsewhere',
  scep_url: saved.scep_url ?? '',
  scep_challenge: '',
  without_challenge: false,
  push_certificate: '',
  push_key: '',
  push_url: saved.push_url ?? '',
  push_authority: saved.push_authority?.certificate ?? '',
});

export const appleEdit = (draft: AppleDraft, version: number): AppleMdmEditWritable => ({
  certificate_days: Number(draft.certificate_days),
  legacy_enrollment: draft.legacy_enrollment,
  sha1_signatures: draft.sha1_signatures,
  access_rights: draft.access_rights.reduce((sum, bit) => sum + Number(bit), 0),
  trusted_authorities: draft.trusted_authorities,
  scep_url: draft.by === 'elsewhere' ? draft.scep_url.trim() : null,
  // An empty one takes away what is there.
  scep_challenge: draft.by === 'here' || draft.without_challenge ? '' : draft.scep_challenge || undefined,
  push_certificate: draft.push_certificate.trim() || undefined,
  push_key: draft.push_key.trim() || undefined,
  push_url: draft.push_url.trim() || null,
  push_authority: draft.push_authority.trim() || null,
  version,
});

/** The same as it is saved, without the push certificate. */
export const withoutPush = (saved: AppleMdm): AppleMdmEditWritable => {
  const { scep_challenge: _, ...edit } = appleEdit(appleDraft(saved), saved.version);
  return { ...edit, push_certificate: null };
};

export type PushState = 'none' | 'expired' | 'soon' | 'good';

/** How the push certificate stands; `now` in milliseconds. */
export function pushState({ push_certificate: push }: Pick<AppleMdm, 'push_certificate'>, now: number): PushState {
  if (!push) return 'none';
  if (Date.parse(push.not_after) <= now) return 'expired';
  return push.expires_soon ? 'soon' : 'good';
}

/** Whether devices that are enrolled have to enroll again: they are woken under the topic they enrolled with. */
export const losesDevices = (before: AppleMdm, after: AppleMdm) =>
  before.push_certificate !== null && after.push_certificate !== null && before.push_certificate.topic !== after.push_certificate.topic;
