//! One-time codes of an authenticator app (RFC 6238): six digits, half a minute, one step of tolerance.

use allclear_domain::time::Time;
use totp_rs::{Builder, Secret, Totp};

use crate::problem::Problem;

/// Bytes of a secret.
const SECRET: usize = 20;

/// A new secret from 256 random bits, in base 32.
pub fn new_secret(random: [u8; 32]) -> String {
    Secret::from(&random[..SECRET]).to_base32()
}

fn totp(secret: &str, account: &str) -> Result<Totp, Problem> {
    let failed = |what: String| Problem::internal_because(format!("a secret of one-time codes is not usable: {what}"));
    let secret = Secret::try_from_base32(secret).map_err(|error| failed(error.to_string()))?;
    // Neither part of the label may hold a colon.
    let account = account.replace(':', " ");
    let builder = Builder::new().with_secret(secret).with_issuer(Some("Allclear")).with_account_name(account);
    builder.build().map_err(|error| failed(error.to_string()))
}

/// What an authenticator app takes as a QR code.
pub fn url(secret: &str, account: &str) -> Result<String, Problem> {
    totp(secret, account)?.to_url().map_err(|error| Problem::internal_because(error.to_string()))
}

/// The time step whose code this is, if it is one of now, of the step before or of the one after.
pub fn step(secret: &str, code: &str, now: Time) -> Result<Option<i64>, Problem> {
    let digits: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    let seconds = u64::try_from(now.as_micros() / 1_000_000).unwrap_or_default();
    let step = totp(secret, "")?.check(&digits, seconds);
    Ok(step.and_then(|step| i64::try_from(step).ok()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that panics has failed")]
    use super::*;

    /// The secret of the RFC's own examples.
    const RFC: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

    #[test]
    fn codes_are_those_of_the_standard_and_their_neighbours() {
        // RFC 6238, appendix B: at 1111111109 the code is 07081804, of which the last six digits count.
        let at = |seconds: i64| Time::from_micros(seconds * 1_000_000);
        let step_of = |code: &str, seconds: i64| step(RFC, code, at(seconds)).unwrap();
        let right = 1_111_111_109 / 30;
        assert_eq!(step_of("081804", 1_111_111_109), Some(right));
        assert_eq!(step_of("081 804", 1_111_111_109), Some(right));
        assert_eq!(step_of("081804", (right + 1) * 30 + 29), Some(right), "the step after");
        assert_eq!(step_of("081804", (right - 1) * 30), Some(right), "the step before");
        assert_eq!(step_of("081804", (right + 2) * 30), None);
        assert_eq!(step_of("081804", (right - 2) * 30 + 29), None);
        for wrong in ["081805", "81804", "0081804", "", "08180٤", "07081804"] {
            assert_eq!(step_of(wrong, 1_111_111_109), None, "{wrong:?}");
        }
    }

    #[test]
    fn an_app_is_told_everything_in_one_url() {
        let secret = new_secret([7; 32]);
        assert_eq!(secret.len(), 32);
        let url = url(&secret, "ada:x@example.com").unwrap();
        assert!(url.starts_with("otpauth://totp/Allclear:ada%20x%40example.com?secret="), "{url}");
        assert!(url.contains(&secret) && url.contains("issuer=Allclear"), "{url}");
    }
}
