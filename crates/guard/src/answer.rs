//! What other people's servers say of themselves: when to come again, and why there was no answer.

use std::{error::Error as StdError, iter, time::Duration};

use jiff::Timestamp;
use reqwest::header::{DATE, HeaderMap, HeaderName, RETRY_AFTER};

use crate::Refused;

/// A header that holds a date.
pub fn http_date(headers: &HeaderMap, name: &HeaderName) -> Option<Timestamp> {
    let text = headers.get(name)?.to_str().ok()?;
    jiff::fmt::rfc2822::parse(text.trim()).ok().map(|date| date.timestamp())
}

/// How long a server asks to be left alone: seconds, or until a date. A date is held against that of the answer, so that
/// our clock does not matter, and only without one against `now`. None if it says nothing that can be understood.
pub fn retry_after(headers: &HeaderMap, now: Option<Timestamp>) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?;
    if let Ok(seconds) = text.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let pause = http_date(headers, &RETRY_AFTER)?.duration_since(http_date(headers, &DATE).or(now)?);
    Some(Duration::try_from(pause).unwrap_or(Duration::ZERO))
}

/// Why something failed, for people: a refusal by itself, else the error and its causes, each once, because some print
/// their cause themselves. What names the URL of a request is left out: whoever reads it may not know it.
pub fn words(error: &(dyn StdError + 'static)) -> String {
    if let Some(refused) = Refused::behind(error) {
        return refused.to_string();
    }
    let causes = iter::successors(Some(error), |&error| error.source());
    let told = causes.filter(|error| !error.is::<reqwest::Error>()).fold(String::new(), |told, error| {
        let cause = error.to_string();
        match told.as_str() {
            "" => cause,
            _ if told.ends_with(&cause) => told,
            _ => format!("{told}: {cause}"),
        }
    });
    if told.is_empty() { "the request failed".to_owned() } else { told }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that panics has failed")]
    use reqwest::Method;

    use super::*;
    use crate::{GuardOptions, GuardedClient};

    #[derive(Debug, thiserror::Error)]
    #[error("{text}")]
    struct Told {
        text: &'static str,
        source: Option<Box<dyn StdError>>,
    }

    fn told(text: &'static str, source: impl StdError + 'static) -> Told {
        Told { text, source: Some(Box::new(source)) }
    }

    #[tokio::test]
    async fn causes_are_named_once_and_a_refusal_alone() {
        let bottom = || Told { text: "reset by peer", source: None };
        assert_eq!(words(&bottom()), "reset by peer");
        let chain = told("sending", told("broken: reset by peer", bottom()));
        assert_eq!(words(&chain), "sending: broken: reset by peer");
        assert_eq!(words(&told("sending", told("no way", Refused::NoHost))), Refused::NoHost.to_string());
        let options = GuardOptions { allow: "127.0.0.1".parse().unwrap(), ..GuardOptions::default() };
        let request =
            GuardedClient::new(options).unwrap().request(Method::GET, "http://127.0.0.1:1/secret".parse().unwrap());
        let unsent = request.unwrap().send().await.unwrap_err();
        let said = words(&unsent);
        assert!(!said.contains("secret") && said.contains("refused"), "{said}");
    }

    #[test]
    fn a_pause_is_read_in_seconds_and_as_a_date() {
        let now: Timestamp = "2026-11-06T08:49:00Z".parse().unwrap();
        for (text, expected) in [
            ("120", Some(120)),
            ("Fri, 06 Nov 2026 08:49:37 GMT", Some(37)),
            ("Fri, 06 Nov 2026 08:48:00 GMT", Some(0)),
            ("soon", None),
            ("-5", None),
        ] {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, text.parse().unwrap())]);
            assert_eq!(retry_after(&headers, Some(now)), expected.map(Duration::from_secs), "{text}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), Some(now)), None);
    }

    #[test]
    fn a_date_counts_from_the_servers_own() {
        let date = (DATE, "Sun, 01 Mar 2026 10:00:00 GMT");
        let retry_after = |pairs: &[(HeaderName, &str)]| {
            let headers = pairs.iter().map(|(name, text)| (name.clone(), text.parse().unwrap()));
            retry_after(&headers.collect(), None)
        };
        assert_eq!(retry_after(&[(RETRY_AFTER, "7")]), Some(Duration::from_secs(7)));
        assert_eq!(
            retry_after(&[date.clone(), (RETRY_AFTER, "Sun, 01 Mar 2026 10:00:30 GMT")]),
            Some(Duration::from_secs(30))
        );
        assert_eq!(retry_after(&[date.clone(), (RETRY_AFTER, "Sun, 01 Mar 2026 09:00:00 GMT")]), Some(Duration::ZERO));
        assert_eq!(retry_after(&[(RETRY_AFTER, "Sun, 01 Mar 2026 10:00:30 GMT")]), None, "against which clock?");
        assert_eq!(retry_after(&[date, (RETRY_AFTER, "soon")]), None);
        assert_eq!(retry_after(&[]), None);
    }
}
