//! How administrators show who they are: a password, a second factor, and then a session in a cookie.
//!
//! * [`password`] hashes and checks passwords without ever taking all cores;
//! * [`cookie`] holds the session, and [`origin`] keeps other sites from using it;
//! * [`totp`] and [`passkey`] are the second factors; [`step`] is what one of them remembers until its answer.
//!
//! Must not know routes; those are in `api`.

pub mod cookie;
pub mod origin;
pub mod passkey;
pub mod password;
pub mod recovery;
pub mod step;
pub mod totp;
