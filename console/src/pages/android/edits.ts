// The form of how Android devices are managed: what it starts from, and what is asked of the server. The key is never shown;
// left empty, the one in use stays.
import type { AndroidEnterprise, AndroidEnterpriseEditWritable } from '../../api';

export const GOOGLE = 'https://androidmanagement.googleapis.com';
export const PUBSUB = 'https://pubsub.googleapis.com';

export type AndroidDraft = {
  service_account: string;
  enterprise: string;
  topic: string;
  subscription: string;
  push_email: string;
  base_url: string;
  pubsub_base_url: string;
};

const unless = (usual: string, url: string | null) => (url === usual ? '' : (url ?? ''));

export const androidDraft = (saved: AndroidEnterprise): AndroidDraft => ({
  service_account: '',
  enterprise: saved.enterprise ?? '',
  topic: saved.topic ?? '',
  subscription: saved.subscription ?? '',
  push_email: saved.push_email ?? '',
  base_url: unless(GOOGLE, saved.base_url),
  pubsub_base_url: unless(PUBSUB, saved.pubsub_base_url),
});

const given = (text: string) => text.trim() || null;

export function androidEdit(draft: AndroidDraft, saved: AndroidEnterprise): AndroidEnterpriseEditWritable {
  const enterprise = given(draft.enterprise);
  return {
    service_account: draft.service_account.trim() || undefined,
    // A sign-up may set it meanwhile.
    ...(enterprise === saved.enterprise ? {} : { enterprise }),
    topic: given(draft.topic),
    subscription: given(draft.subscription),
    push_email: given(draft.push_email),
    base_url: given(draft.base_url),
    pubsub_base_url: given(draft.pubsub_base_url),
    version: saved.version,
  };
}
