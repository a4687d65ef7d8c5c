//! Passwords: what is taken for one, and Argon2id on threads of its own, a few at a time.

use std::sync::Arc;

use allclear_engine::source::Source;
use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use tokio::sync::Semaphore;

use crate::problem::Problem;

/// Shortest password, in characters.
pub const SHORTEST: usize = 12;
/// Longest password, in characters.
pub const LONGEST: usize = 256;

/// Memory in KiB, passes, lanes: what OWASP recommends at least.
const COST: (u32, u32, u32) = (19 * 1024, 2, 1);

/// How many may wait for their turn; more are told to come again.
const WAITING: usize = 64;

/// What is wrong with a new password of somebody who signs in with these names.
pub fn problem(password: &str, names: &[&str]) -> Option<&'static str> {
    let length = password.chars().count();
    if !(SHORTEST..=LONGEST).contains(&length) {
        return Some("must have 12 to 256 characters");
    }
    let same = names.iter().any(|name| !name.is_empty() && password.trim().to_lowercase() == name.to_lowercase());
    same.then_some("must not be what you sign in with")
}

fn argon2() -> Result<Argon2<'static>, argon2::Error> {
    let (memory, passes, lanes) = COST;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(memory, passes, lanes, None)?))
}

/// The hash of a password in the PHC format. Takes some 30 ms of a core and 19 MiB.
pub fn hash(password: &str, source: &dyn Source) -> Result<String, argon2::password_hash::Error> {
    let salt = source.secret();
    let hasher = argon2().map_err(|_| argon2::password_hash::Error::ParamsInvalid)?;
    Ok(hasher.hash_password_with_salt(password.as_bytes(), &salt[..16])?.to_string())
}

/// Whether a password has this hash. Takes as long as [`hash()`].
fn verify(password: &str, hash: &str) -> bool {
    let (Ok(hash), Ok(argon2)) = (PasswordHash::new(hash), argon2()) else { return false };
    argon2.verify_password(password.as_bytes(), &hash).is_ok()
}

/// Hashes and checks passwords, as many at a time as there are cores.
#[derive(Clone, Debug)]
pub struct Passwords {
    turns: Arc<Semaphore>,
    places: Arc<Semaphore>,
    /// The hash of a password that nobody knows, for names that nobody has.
    nobodys: Arc<tokio::sync::OnceCell<String>>,
}

impl Default for Passwords {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            turns: Arc::new(Semaphore::new(cores)),
            places: Arc::new(Semaphore::new(cores + WAITING)),
            nobodys: Arc::default(),
        }
    }
}

impl Passwords {
    /// The hash of a new password.
    pub async fn hash(&self, password: String, source: Arc<dyn Source>) -> Result<String, Problem> {
        let hashed = self.in_turn(move || hash(&password, &*source)).await?;
        hashed.map_err(|error| Problem::internal_because(format!("a password could not be hashed: {error}")))
    }

    /// Whether a password is right. Without a hash it never is, and it takes as long to say so.
    pub async fn verify(
        &self,
        password: String,
        known: Option<String>,
        source: Arc<dyn Source>,
    ) -> Result<bool, Problem> {
        let real = known.is_some();
        let known = match known {
            Some(known) => known,
            None => {
                let random = data_encoding::BASE64.encode(&source.secret());
                self.nobodys.get_or_try_init(|| self.hash(random, source)).await?.clone()
            }
        };
        // What is longer is no password of ours; it costs the same.
        let fits = password.chars().count() <= LONGEST;
        let password = if fits { password } else { String::new() };
        let right = self.in_turn(move || verify(&password, &known)).await?;
        Ok(right && real && fits)
    }

    async fn in_turn<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
        let busy = |_| Problem::unavailable("Too many people are signing in at once.", 1);
        let place = self.places.clone().try_acquire_owned().map_err(busy)?;
        let turn = self.turns.clone().acquire_owned().await.map_err(|error| Problem::internal(&error))?;
        let done = tokio::task::spawn_blocking(move || {
            let _held = (place, turn);
            work()
        });
        done.await.map_err(|error| Problem::internal(&error))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that panics has failed")]
    use allclear_engine::source::SystemSource;

    use super::*;

    #[test]
    fn a_password_is_long_and_not_the_name() {
        let short = "x".repeat(SHORTEST - 1);
        assert!(problem(&short, &[]).is_some());
        assert!(problem(&format!("{short}ä"), &[]).is_none());
        assert!(problem(&"x".repeat(LONGEST), &[]).is_none());
        assert!(problem(&"x".repeat(LONGEST + 1), &[]).is_some());
        assert!(problem(" Ada@Example.com", &["ada", "ada@example.COM"]).is_some());
        assert!(problem("ada@example.com1", &["ada", "ada@example.com", ""]).is_none());
    }

    #[tokio::test]
    async fn a_password_is_right_against_its_own_hash_only() {
        let (passwords, source) = (Passwords::default(), Arc::new(SystemSource));
        let right = "correct horse battery";
        let known = passwords.hash(right.to_owned(), source.clone()).await.unwrap();
        assert!(known.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{known}");
        assert_ne!(passwords.hash(right.to_owned(), source.clone()).await.unwrap(), known, "each has its salt");
        let verify = async |password: &str, known: Option<String>| {
            passwords.verify(password.to_owned(), known, source.clone()).await.unwrap()
        };
        assert!(verify(right, Some(known.clone())).await);
        assert!(!verify("correct horse batterY", Some(known.clone())).await);
        assert!(!verify(right, None).await);
        assert!(!verify(&"x".repeat(LONGEST + 1), Some(known)).await);
        assert!(!verify(right, Some("damaged".to_owned())).await);
    }

    #[tokio::test]
    async fn a_crowd_is_told_to_come_again() {
        let passwords = Passwords { places: Arc::new(Semaphore::new(0)), ..Passwords::default() };
        let refused = passwords.hash("x".to_owned(), Arc::new(SystemSource)).await.unwrap_err();
        assert_eq!(refused.status, 503);
    }
}
