//! Passkeys (WebAuthn): challenges for browsers, and whether what they answer is right.

use webauthn_rs::prelude::{Passkey, Url, Webauthn, WebauthnBuilder, WebauthnError};

use crate::problem::Problem;

/// WebAuthn for the address at which people reach this server. Browsers make passkeys only for host names, and only
/// over TLS or on the machine itself.
pub fn webauthn(base_url: &str) -> Result<Webauthn, Problem> {
    let no_name = || {
        Problem::conflict(
            "Passkeys work where the server is reached by a host name over https, or at localhost; this address is \
             neither.",
        )
    };
    let origin = Url::parse(base_url).map_err(|_| no_name())?;
    let host = origin.domain().ok_or_else(no_name)?.to_owned();
    if origin.scheme() != "https" && host != "localhost" && !host.ends_with(".localhost") {
        return Err(no_name());
    }
    let builder = WebauthnBuilder::new(&host, &origin).map_err(|error| Problem::internal(&error))?;
    builder.rp_name("Allclear").build().map_err(|error| Problem::internal(&error))
}

/// A passkey as it is kept.
pub fn to_text(passkey: &Passkey) -> Result<String, Problem> {
    serde_json::to_string(passkey).map_err(|error| Problem::internal(&error))
}

/// A passkey that was kept.
pub fn from_text(text: &str) -> Result<Passkey, Problem> {
    serde_json::from_str(text).map_err(|error| Problem::internal(&error))
}

/// An answer that is not right.
pub fn refused(error: &WebauthnError) -> Problem {
    tracing::info!(%error, "a passkey was refused");
    Problem::invalid_field("/credential", "was not accepted")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passkeys_need_a_host_name_and_tls() {
        for (url, good) in [
            ("https://allclear.example.com", true),
            ("https://allclear.example.com:8443/sub", true),
            ("http://localhost:8080", true),
            ("http://allclear.example.com", false),
            ("http://127.0.0.1:8080", false),
            ("https://192.0.2.1", false),
            ("nonsense", false),
        ] {
            assert_eq!(webauthn(url).is_ok(), good, "{url}");
        }
    }
}
