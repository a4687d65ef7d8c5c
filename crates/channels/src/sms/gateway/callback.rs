//! News of messages, as the gateway posts them: signed forms.

use data_encoding::BASE64;
use hmac::{Hmac, KeyInit, Mac};
use reqwest::Url;
use sha1::Sha1;

use super::super::Receipt;

/// A callback that is not answered with what became of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BadCallback {
    /// It was not signed with the account's secret for this address.
    #[error("the signature is not one of this account for this address")]
    Signature,
    /// It says of no message what became of it.
    #[error("the form needs MessageSid and MessageStatus")]
    Form,
}

/// Reads a callback that was posted to `url`, the public address that was given out for it. None if it is about a message
/// on its way.
pub fn read(auth_token: &str, url: &Url, form: &[u8], signature: &str) -> Result<Option<Receipt>, BadCallback> {
    let fields: Vec<(String, String)> = form_urlencoded::parse(form).into_owned().collect();
    let ours = |url: String| is_signed(auth_token.as_bytes(), &url, &fields, signature);
    if !ours(url.as_str().to_owned()) && !other_form(url).is_some_and(ours) {
        return Err(BadCallback::Signature);
    }
    let field = |name: &str| fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let (Some(sid), Some(status)) = (field("MessageSid"), field("MessageStatus")) else {
        return Err(BadCallback::Form);
    };
    let delivered = matches!(status, "delivered" | "read");
    if !delivered && !has_failed(status) {
        return Ok(None);
    }
    let words = [Some(status), field("ErrorCode"), field("ErrorMessage")];
    let words: Vec<&str> = words.into_iter().flatten().filter(|word| !word.is_empty()).collect();
    Ok(Some(Receipt { message_id: sid.to_owned(), delivered, answer: words.join(" ") }))
}

/// Whether a message in this state will never arrive.
pub(super) fn has_failed(status: &str) -> bool {
    matches!(status, "failed" | "undelivered" | "canceled")
}

/// The address with its port written out, if it has the usual one: providers sign it either way.
fn other_form(url: &Url) -> Option<String> {
    let port = url.port_or_known_default().filter(|_| url.port().is_none())?;
    let authority = format!("{}://{}", url.scheme(), url.host_str()?);
    Some(format!("{authority}:{port}{}", url.as_str().strip_prefix(&authority)?))
}

/// Compares in constant time.
fn is_signed(key: &[u8], url: &str, fields: &[(String, String)], signature: &str) -> bool {
    let (Ok(mut mac), Ok(signature)) = (Hmac::<Sha1>::new_from_slice(key), BASE64.decode(signature.as_bytes())) else {
        return false;
    };
    mac.update(url.as_bytes());
    let mut fields: Vec<_> = fields.iter().collect();
    fields.sort();
    fields.dedup();
    for (name, value) in fields {
        mac.update(name.as_bytes());
        mac.update(value.as_bytes());
    }
    mac.verify_slice(&signature).is_ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use super::*;

    const TOKEN: &str = "12345";

    /// The example in the provider's documentation of its signatures.
    const URL: &str = "https://mycompany.com/myapp.php?foo=1&bar=2";
    const FORM: &str =
        "CallSid=CA1234567890ABCDE&Caller=%2B14158675310&Digits=1234&From=%2B14158675310&To=%2B18005551212";
    const SIGNATURE: &str = "GvWf1cFY/Q7PnoempGyD5oXAezc=";

    fn fields(form: &str) -> Vec<(String, String)> {
        form_urlencoded::parse(form.as_bytes()).into_owned().collect()
    }

    fn sign(url: &str, form: &str) -> String {
        let mut mac = Hmac::<Sha1>::new_from_slice(TOKEN.as_bytes()).unwrap();
        let mut fields = fields(form);
        fields.sort();
        mac.update(url.as_bytes());
        fields.iter().for_each(|(name, value)| mac.update(format!("{name}{value}").as_bytes()));
        BASE64.encode(&mac.finalize().into_bytes())
    }

    #[test]
    fn the_providers_own_example_is_signed() {
        assert!(is_signed(TOKEN.as_bytes(), URL, &fields(FORM), SIGNATURE));
        assert!(!is_signed(b"12346", URL, &fields(FORM), SIGNATURE));
        assert!(!is_signed(TOKEN.as_bytes(), "https://mycompany.com/myapp.php?foo=1", &fields(FORM), SIGNATURE));
        assert!(!is_signed(TOKEN.as_bytes(), URL, &fields(&FORM.replace("1234&", "1235&")), SIGNATURE));
        for wrong in ["", "GvWf1cFY/Q7PnoempGyD5oXAez", "GvWf1cFY", "%%%", &SIGNATURE[1..]] {
            assert!(!is_signed(TOKEN.as_bytes(), URL, &fields(FORM), wrong), "{wrong}");
        }
    }

    #[test]
    fn news_is_the_end_of_a_message_or_nothing() {
        let url: Url = "https://allclear.example/callbacks/sms/t".parse().unwrap();
        let read = |form: &str| read(TOKEN, &url, form.as_bytes(), &sign(url.as_str(), form));
        let receipt = |delivered, answer: &str| {
            Ok(Some(Receipt { message_id: "SM1".to_owned(), delivered, answer: answer.to_owned() }))
        };
        assert_eq!(read("MessageSid=SM1&MessageStatus=delivered"), receipt(true, "delivered"));
        assert_eq!(
            read("MessageSid=SM1&MessageStatus=undelivered&ErrorCode=30005"),
            receipt(false, "undelivered 30005")
        );
        assert_eq!(
            read("ErrorCode=30006&ErrorMessage=Landline+%C3%BC&MessageSid=SM1&MessageStatus=failed"),
            receipt(false, "failed 30006 Landline ü")
        );
        for on_its_way in ["accepted", "queued", "sending", "sent", "something"] {
            assert_eq!(read(&format!("MessageSid=SM1&MessageStatus={on_its_way}")), Ok(None), "{on_its_way}");
        }
        assert_eq!(read("MessageSid=SM1"), Err(BadCallback::Form));
        assert_eq!(read(""), Err(BadCallback::Form));
    }

    #[test]
    fn the_address_may_be_signed_with_its_port() {
        let form = "MessageSid=SM1&MessageStatus=sent";
        let url: Url = "https://allclear.example/callbacks/sms/t".parse().unwrap();
        let with_port = sign("https://allclear.example:443/callbacks/sms/t", form);
        assert_eq!(read(TOKEN, &url, form.as_bytes(), &with_port), Ok(None));
        let other = sign("https://allclear.example:8443/callbacks/sms/t", form);
        assert_eq!(read(TOKEN, &url, form.as_bytes(), &other), Err(BadCallback::Signature));
        let odd: Url = "https://allclear.example:8443/callbacks/sms/t".parse().unwrap();
        assert_eq!(read(TOKEN, &odd, form.as_bytes(), &other), Ok(None));
    }
}
