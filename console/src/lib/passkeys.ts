// Passkeys: the browser makes them and signs with them; the server's challenges and the answers are JSON.

type Json = Record<string, unknown>;

/** Browsers offer passkeys only over HTTPS and on this computer, and older ones do not read JSON. */
export const canUsePasskeys = () =>
  typeof PublicKeyCredential !== 'undefined' && 'credentials' in navigator && typeof PublicKeyCredential.parseRequestOptionsFromJSON === 'function';

/** Shown like a problem of the server. */
export class PasskeyRefused extends Error {
  readonly title = 'No passkey';
  constructor(readonly detail: string) {
    super(detail);
  }
}

async function answer(asked: Promise<Credential | null>): Promise<Json> {
  const credential = await asked.catch((error: unknown) => {
    const known = error instanceof DOMException && error.name === 'InvalidStateError';
    throw new PasskeyRefused(known ? 'This device holds a passkey of this account already.' : 'No passkey was given: it was cancelled, or took too long.');
  });
  if (!credential) throw new PasskeyRefused('No passkey was given.');
  return (credential as PublicKeyCredential).toJSON() as unknown as Json;
}

const publicKey = (options: Json) => options.publicKey as never;

/** Makes a passkey by the server's `options`; gives what the server takes. */
export const makePasskey = (options: Json) =>
  answer(navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(publicKey(options)) }));

/** Signs the challenge in the server's `options` with a passkey. */
export const signWithPasskey = (options: Json) =>
  answer(navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(publicKey(options)) }));
