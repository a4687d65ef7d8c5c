//! A passkey in software: what a browser and its authenticator answer to the challenges of WebAuthn.

use data_encoding::BASE64URL_NOPAD;
use p256::ecdsa::{Signature, SigningKey, signature::Signer};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// Flags of the authenticator: the user is present and was verified.
const PRESENT_AND_VERIFIED: u8 = 0b101;
/// And it sends a new key along.
const NEW_KEY: u8 = 0b100_0000;

/// An authenticator with one passkey.
pub struct Authenticator {
    key: SigningKey,
    id: Vec<u8>,
    origin: String,
    uses: u32,
}

impl Authenticator {
    /// An authenticator in a browser that shows pages of this origin.
    pub fn new(origin: &str) -> Authenticator {
        let key = SigningKey::from_slice(&[7; 32]).unwrap();
        Authenticator { key, id: b"the only passkey".to_vec(), origin: origin.to_owned(), uses: 0 }
    }

    fn client_data(&self, kind: &str, challenge: &Value) -> Vec<u8> {
        let data = json!({ "type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": false });
        data.to_string().into_bytes()
    }

    fn data(&self, relying_party: &Value, flags: u8) -> Vec<u8> {
        let hash = Sha256::digest(relying_party.as_str().expect("the relying party's id"));
        [hash.as_slice(), &[flags], &self.uses.to_be_bytes()].concat()
    }

    fn credential(&self, response: &Value) -> Value {
        let id = BASE64URL_NOPAD.encode(&self.id);
        json!({ "credential": {
            "id": id, "rawId": id, "type": "public-key", "response": response, "clientExtensionResults": {},
        }})
    }

    /// What `navigator.credentials.create` gives.
    pub fn create(&self, options: &Value) -> Value {
        let options = &options["options"]["publicKey"];
        let point = self.key.verifying_key().to_sec1_point(false);
        // A key of COSE: 1 (kind): 2, 3 (algorithm): -7, -1 (curve): 1, -2 and -3: the coordinates.
        let coordinates = [&[0x21, 0x58, 32], &point.as_bytes()[1..33], &[0x22, 0x58, 32], &point.as_bytes()[33..]];
        let key = [[0xa5, 1, 2, 3, 0x26, 0x20, 1].as_slice(), &coordinates.concat()].concat();
        let length = u16::try_from(self.id.len()).unwrap().to_be_bytes();
        let data = self.data(&options["rp"]["id"], PRESENT_AND_VERIFIED | NEW_KEY);
        let data = [data.as_slice(), &[0; 16], &length, &self.id, &key].concat();
        // A map of CBOR with three members: fmt, attStmt and authData.
        let length = u16::try_from(data.len()).unwrap().to_be_bytes();
        let object = [b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x59".as_slice(), &length, &data].concat();
        self.credential(&json!({
            "attestationObject": BASE64URL_NOPAD.encode(&object),
            "clientDataJSON": BASE64URL_NOPAD.encode(&self.client_data("webauthn.create", &options["challenge"])),
        }))
    }

    /// What `navigator.credentials.get` gives.
    pub fn get(&mut self, options: &Value) -> Value {
        let options = &options["options"]["publicKey"];
        self.uses += 1;
        let client_data = self.client_data("webauthn.get", &options["challenge"]);
        let data = self.data(&options["rpId"], PRESENT_AND_VERIFIED);
        let signed = [data.as_slice(), &Sha256::digest(&client_data)].concat();
        let signature: Signature = self.key.sign(&signed);
        self.credential(&json!({
            "authenticatorData": BASE64URL_NOPAD.encode(&data),
            "clientDataJSON": BASE64URL_NOPAD.encode(&client_data),
            "signature": BASE64URL_NOPAD.encode(signature.to_der().as_bytes()),
            "userHandle": null,
        }))
    }
}
