// What the server says under /m/v1, as the app reads it.

export type Level = 'none' | 'advisory' | 'low' | 'medium' | 'high';
export type ProtectionStatus = 'pending' | 'activated' | 'deactivated' | 'disconnected' | 'unreachable';

/** Something to put right on the phone. */
export interface Issue {
  id: string;
  name: string;
  level: Level;
  since: string;
  /** What is the matter, in a sentence. */
  about: string | null;
  /** What to do, in order. */
  steps: string[];
}

/** How the phone stands. Times are RFC 3339. */
export interface State {
  organisation: string;
  accent_colour: string | null;
  /** The language the texts below are in. */
  language: string;
  device: { id: string; name: string; platform: 'android' | 'ios'; os_version: string | null };
  risk_level: Level;
  compliance: 'compliant' | 'not_compliant' | 'unknown';
  protection_status: ProtectionStatus;
  /** When the phone last said how it is. */
  checked_at: string | null;
  /** When its owner last asked for a check; null also if the phone could not do it. */
  check_requested_at: string | null;
  restrictions: string[];
  issues: Issue[];
  /** Whom to ask, in the organisation's own words. */
  help: string | null;
  unread: number;
}

export interface Message {
  id: string;
  sent_at: string;
  text: string;
  read_at: string | null;
  kind: 'notice' | 'all_clear' | 'message';
}

export interface MessagePage {
  items: Message[];
  next_cursor: string | null;
}

/** What a push carries. */
export interface Push {
  id: string;
  title: string;
  body: string;
  url: string;
}
