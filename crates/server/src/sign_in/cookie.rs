//! The cookies that hold sessions, of administrators and of the Messages app: out of reach of scripts.

use allclear_engine::messages_app;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::{app::ServerOptions, problem::Problem};

/// A cookie that holds a session.
#[derive(Clone, Copy, Debug)]
pub struct Cookie {
    /// Its name on a server that is reached without TLS.
    pub name: &'static str,
    /// Its name otherwise: browsers then see to it that nobody has set it without TLS.
    secure_name: &'static str,
    attributes: &'static str,
    /// How long a browser keeps it, in seconds; until it is closed if that is not said.
    max_age: Option<i64>,
}

/// An administrator's. Other sites cannot even lead to us with it.
pub static CONSOLE: Cookie = Cookie {
    name: "allclear_session",
    // By this very host, for all of it.
    secure_name: "__Host-allclear_session",
    attributes: "Path=/; HttpOnly; SameSite=Strict",
    max_age: None,
};

/// The Messages app's, which links in mails lead to.
pub static MESSAGES: Cookie = Cookie {
    name: "allclear_messages",
    secure_name: "__Secure-allclear_messages",
    attributes: "Path=/m; HttpOnly; SameSite=Lax",
    max_age: Some(messages_app::IDLE.as_micros() / 1_000_000),
};

fn is_secure(options: &ServerOptions) -> bool {
    options.public_url.as_ref().is_some_and(|url| url.starts_with("https://"))
}

impl Cookie {
    fn name(&self, options: &ServerOptions) -> &'static str {
        if is_secure(options) { self.secure_name } else { self.name }
    }

    /// What the cookie of a request holds.
    pub fn value<'h>(&self, headers: &'h HeaderMap, options: &ServerOptions) -> Option<&'h str> {
        let cookies = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
        let mut pairs = cookies.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
        pairs.find(|(found, _)| *found == self.name(options)).map(|(_, value)| value)
    }

    /// The header that gives a browser its session, by the secret's text.
    pub fn set(&self, options: &ServerOptions, secret: &str) -> Result<(HeaderName, HeaderValue), Problem> {
        self.line(options, secret, self.max_age)
    }

    /// The header that takes it away.
    pub fn clear(&self, options: &ServerOptions) -> Result<(HeaderName, HeaderValue), Problem> {
        self.line(options, "", Some(0))
    }

    fn line(
        &self,
        options: &ServerOptions,
        value: &str,
        max_age: Option<i64>,
    ) -> Result<(HeaderName, HeaderValue), Problem> {
        let secure = if is_secure(options) { "; Secure" } else { "" };
        let max_age = max_age.map(|seconds| format!("; Max-Age={seconds}")).unwrap_or_default();
        let line = format!("{}={value}; {}{secure}{max_age}", self.name(options), self.attributes);
        let mut line = HeaderValue::from_str(&line).map_err(|error| Problem::internal(&error))?;
        line.set_sensitive(true);
        Ok((header::SET_COOKIE, line))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that panics has failed")]
    use allclear_domain::ids::Tenant;

    use super::*;
    use crate::auth::{Credential, Kind};

    #[test]
    fn a_cookie_is_read_as_it_was_set() {
        let (strict, lax) = ("; Path=/; HttpOnly; SameSite=Strict", "; Path=/m; HttpOnly; SameSite=Lax");
        let [http, https] = ["http://a.example.com", "https://a.example.com"].map(Some);
        for (cookie, url, start, end) in [
            (CONSOLE, None, "allclear_session=acs_1_", strict.to_owned()),
            (CONSOLE, http, "allclear_session=acs_1_", strict.to_owned()),
            (CONSOLE, https, "__Host-allclear_session=acs_1_", format!("{strict}; Secure")),
            (MESSAGES, http, "allclear_messages=acs_1_", format!("{lax}; Max-Age=15552000")),
            (MESSAGES, https, "__Secure-allclear_messages=acs_1_", format!("{lax}; Secure; Max-Age=15552000")),
        ] {
            let options = ServerOptions { public_url: url.map(str::to_owned), ..ServerOptions::default() };
            let (secret, _) = Credential::new(Kind::Session, Tenant(1), [7; 32]);
            let (_, line) = cookie.set(&options, &secret.reveal()).unwrap();
            let line = line.to_str().unwrap();
            assert!(line.starts_with(start) && line.ends_with(&end), "{line}");
            let pair = line.split(';').next().unwrap();
            let headers = HeaderMap::from_iter([(header::COOKIE, format!("a=b; {pair};c=d").parse().unwrap())]);
            assert_eq!(cookie.value(&headers, &options), pair.split_once('=').map(|(_, value)| value));
            assert!(cookie.clear(&options).unwrap().1.to_str().unwrap().ends_with("; Max-Age=0"));
        }
        let headers =
            HeaderMap::from_iter([(header::COOKIE, "xallclear_session=1; allclear_sessionx=2".parse().unwrap())]);
        assert_eq!(CONSOLE.value(&headers, &ServerOptions::default()), None);
    }
}
