// The forms of the channels: what they start from, and what is asked of the server. A secret is never shown; left empty,
// the one in use stays.
import type { ApnsChannel, ApnsChannelEditWritable, EmailChannel, EmailChannelEditWritable, EmailRelay, FcmChannel, FcmChannelEditWritable, Security, SmsChannel, SmsChannelEditWritable } from '../../api';

export type RelayDraft = { host: string; port: number; security: Security; username: string; password: string; ca_certificate: string };
export type EmailDraft = {
  enabled: boolean;
  relays: RelayDraft[];
  sign: boolean;
  dkim: { domain: string; selector: string; private_key: string };
  connections: number;
  per_second: number;
};

export const PORTS: Record<Security, number> = { starttls: 587, tls: 465, plain: 25 };
export const newRelay = (): RelayDraft => ({ host: '', port: PORTS.starttls, security: 'starttls', username: '', password: '', ca_certificate: '' });

export const emailDraft = ({ enabled, relays, dkim, connections, per_second }: EmailChannel): EmailDraft => ({
  enabled,
  relays: relays.length
    ? relays.map(({ host, port, security, username, ca_certificate }) => ({ host, port, security, username: username ?? '', password: '', ca_certificate: ca_certificate ?? '' }))
    : [newRelay()],
  sign: dkim !== null,
  dkim: { domain: dkim?.domain ?? '', selector: dkim?.selector ?? '', private_key: '' },
  connections,
  per_second,
});

export const emailEdit = ({ enabled, relays, sign, dkim, connections, per_second }: EmailDraft, version: number): EmailChannelEditWritable => ({
  enabled,
  relays: relays.map(({ host, port, security, username, password, ca_certificate }) => ({
    host: host.trim(), port, security, username: username.trim() || null, password: password || undefined, ca_certificate: ca_certificate.trim() || null,
  })),
  dkim: sign ? { domain: dkim.domain.trim(), selector: dkim.selector.trim(), private_key: dkim.private_key || undefined } : null,
  connections,
  per_second,
  version,
});

/** The password that is there goes on to be used: it belongs to the host, port and name. */
export const keepsPassword = (draft: RelayDraft | undefined, saved: EmailRelay[]) =>
  saved.some((relay) => relay.password_set && relay.host === draft?.host.trim() && relay.port === draft.port && relay.username === draft.username.trim());

export type SmsDraft = {
  enabled: boolean;
  per_second: number;
  by: 'smpp' | 'gateway';
  smpp: {
    host: string; port: number; tls: boolean; ca_certificate: string; system_id: string; password: string; system_type: string;
    sender: { address: string; ton: number | ''; npi: number | '' };
    window: number; enquire_link_seconds: number; response_timeout_seconds: number; hex_message_ids: boolean;
  };
  gateway: { base_url: string; account_sid: string; auth_token: string; from: string; messaging_service_sid: string; status_callbacks: boolean; requests: number };
};

export const smsDraft = ({ enabled, per_second, smpp, gateway }: SmsChannel): SmsDraft => ({
  enabled,
  per_second,
  by: gateway ? 'gateway' : 'smpp',
  smpp: {
    host: smpp?.host ?? '', port: smpp?.port ?? 3550, tls: smpp?.tls ?? true, ca_certificate: smpp?.ca_certificate ?? '',
    system_id: smpp?.system_id ?? '', password: '', system_type: smpp?.system_type ?? '',
    sender: { address: smpp?.sender?.address ?? '', ton: smpp?.sender?.ton ?? '', npi: smpp?.sender?.npi ?? '' },
    window: smpp?.window ?? 10, enquire_link_seconds: smpp?.enquire_link_seconds ?? 30,
    response_timeout_seconds: smpp?.response_timeout_seconds ?? 30, hex_message_ids: smpp?.hex_message_ids ?? false,
  },
  gateway: {
    base_url: gateway?.base_url ?? 'https://api.twilio.com', account_sid: gateway?.account_sid ?? '', auth_token: '', from: gateway?.from ?? '',
    messaging_service_sid: gateway?.messaging_service_sid ?? '', status_callbacks: gateway?.status_callbacks ?? true, requests: gateway?.requests ?? 4,
  },
});

export function smsEdit({ enabled, per_second, by, smpp, gateway }: SmsDraft, version: number): SmsChannelEditWritable {
  if (by === 'gateway') {
    const { base_url, account_sid, auth_token, from, messaging_service_sid, ...rest } = gateway;
    return {
      enabled, per_second, version, smpp: null,
      gateway: {
        ...rest, base_url: base_url.trim(), account_sid: account_sid.trim(), auth_token: auth_token || undefined,
        from: from.trim() || null, messaging_service_sid: messaging_service_sid.trim() || null,
      },
    };
  }
  const { host, ca_certificate, system_id, password, sender, ...rest } = smpp;
  const plan = (value: number | '') => (value === '' ? null : value);
  return {
    enabled, per_second, version, gateway: null,
    smpp: {
      ...rest, host: host.trim(), ca_certificate: ca_certificate.trim() || null, system_id: system_id.trim(), password: password || undefined,
      sender: sender.address.trim() ? { address: sender.address.trim(), ton: plan(sender.ton), npi: plan(sender.npi) } : null,
    },
  };
}

export type ApnsDraft = { enabled: boolean; key_id: string; team_id: string; topic: string; private_key: string; base_url: string };

export const apnsDraft = ({ enabled, key_id, team_id, topic, base_url }: ApnsChannel): ApnsDraft => ({
  enabled, key_id: key_id ?? '', team_id: team_id ?? '', topic: topic ?? '', private_key: '', base_url: base_url ?? '',
});

export const apnsEdit = ({ enabled, key_id, team_id, topic, private_key, base_url }: ApnsDraft, version: number): ApnsChannelEditWritable => ({
  enabled, key_id: key_id.trim(), team_id: team_id.trim(), topic: topic.trim(), private_key: private_key || undefined, base_url: base_url.trim() || null, version,
});

export const GOOGLE = 'https://fcm.googleapis.com';
export type FcmDraft = { enabled: boolean; service_account: string; base_url: string };

export const fcmDraft = ({ enabled, base_url }: FcmChannel): FcmDraft => ({ enabled, service_account: '', base_url: base_url === GOOGLE ? '' : (base_url ?? '') });

export const fcmEdit = ({ enabled, service_account, base_url }: FcmDraft, version: number): FcmChannelEditWritable => ({
  enabled, service_account: service_account || undefined, base_url: base_url.trim() || null, version,
});
