//! The cookie that holds an administrator's session: out of reach of scripts and of other sites.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::{app::ServerOptions, auth::Secret, problem::Problem};

/// The cookie's name on a server that is reached without TLS.
pub const NAME: &str = "allclear_session";
/// Its name otherwise: browsers then see to it that nobody but this very host has set it.
pub const SECURE_NAME: &str = "__Host-allclear_session";

fn name(options: &ServerOptions) -> &'static str {
    if is_secure(options) { SECURE_NAME } else { NAME }
}

fn is_secure(options: &ServerOptions) -> bool {
    options.public_url.as_ref().is_some_and(|url| url.starts_with("https://"))
}

/// What the session's cookie of a request holds.
pub fn value<'h>(headers: &'h HeaderMap, options: &ServerOptions) -> Option<&'h str> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut pairs = cookies.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(found, _)| *found == name(options)).map(|(_, value)| value)
}

/// The header that gives a browser its session.
pub fn set(options: &ServerOptions, secret: Secret) -> Result<(HeaderName, HeaderValue), Problem> {
    line(options, &secret.reveal(), "")
}

/// The header that takes it away.
pub fn clear(options: &ServerOptions) -> Result<(HeaderName, HeaderValue), Problem> {
    line(options, "", "; Max-Age=0")
}

fn line(options: &ServerOptions, value: &str, more: &str) -> Result<(HeaderName, HeaderValue), Problem> {
    let secure = if is_secure(options) { "; Secure" } else { "" };
    let line = format!("{}={value}; Path=/; HttpOnly; SameSite=Strict{secure}{more}", name(options));
    let mut line = HeaderValue::from_str(&line).map_err(|error| Problem::internal(&error))?;
    line.set_sensitive(true);
    Ok((header::SET_COOKIE, line))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that panics has failed")]
    use allclear_domain::ids::Tenant;

    use super::*;
    use crate::auth::{Credential, Kind};

    #[test]
    fn a_cookie_is_read_as_it_was_set() {
        for (url, start, end) in [
            (None, "allclear_session=acs_1_", "; Path=/; HttpOnly; SameSite=Strict"),
            (Some("http://a.example.com"), "allclear_session=acs_1_", "; Path=/; HttpOnly; SameSite=Strict"),
            (
                Some("https://a.example.com"),
                "__Host-allclear_session=acs_1_",
                "; Path=/; HttpOnly; SameSite=Strict; Secure",
            ),
        ] {
            let options = ServerOptions { public_url: url.map(str::to_owned), ..ServerOptions::default() };
            let (secret, _) = Credential::new(Kind::Session, Tenant(1), [7; 32]);
            let (_, line) = set(&options, secret).unwrap();
            let line = line.to_str().unwrap();
            assert!(line.starts_with(start) && line.ends_with(end), "{line}");
            let pair = line.split(';').next().unwrap();
            let headers = HeaderMap::from_iter([(header::COOKIE, format!("a=b; {pair};c=d").parse().unwrap())]);
            assert_eq!(value(&headers, &options), pair.split_once('=').map(|(_, value)| value));
            assert!(clear(&options).unwrap().1.to_str().unwrap().ends_with("; Max-Age=0"));
        }
        let headers =
            HeaderMap::from_iter([(header::COOKIE, "xallclear_session=1; allclear_sessionx=2".parse().unwrap())]);
        assert_eq!(value(&headers, &ServerOptions::default()), None);
    }
}
