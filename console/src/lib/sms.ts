// How long a text is as one SMS: 160 characters of the GSM 7-bit alphabet (3GPP TS 23.038), those of its extension table
// counting two; 70 UTF-16 units as soon as one character is in neither.

// The basic table without the escape to the extension table.
const BASIC = new Set(
  '@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&\'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§' +
    '¿abcdefghijklmnopqrstuvwxyzäöñüà',
);
const EXTENSION = new Set('\f^{}\\[~]|€');

export type SmsLength = {
  alphabet: 'gsm7' | 'ucs2';
  units: number;
  limit: number;
  fits: boolean;
  /** The characters that make it 70 instead of 160, each once. */
  foreign: string[];
};

export function smsLength(text: string): SmsLength {
  const characters = [...text];
  const foreign = [...new Set(characters.filter((each) => !BASIC.has(each) && !EXTENSION.has(each)))];
  const units = foreign.length ? text.length : characters.reduce((sum, each) => sum + (EXTENSION.has(each) ? 2 : 1), 0);
  const limit = foreign.length ? 70 : 160;
  return { alphabet: foreign.length ? 'ucs2' : 'gsm7', units, limit, fits: units <= limit, foreign };
}
