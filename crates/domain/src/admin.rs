//! Administrators: the words for the people who sign in to the console.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Whether an administrator may sign in.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AdminState {
    /// Has not taken up the invitation.
    Invited,
    /// May sign in.
    Active,
    /// May not.
    Disabled,
}

/// What was given besides the password when a session began.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SecondFactor {
    /// Nothing yet, and something has to be: the session is good for that alone.
    Awaited,
    /// Nothing, as the administrator has no second factor.
    None,
    /// A one-time code.
    Totp,
    /// A passkey.
    Passkey,
    /// A recovery code.
    RecoveryCode,
}

/// What a one-time link is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LinkKind {
    /// To become the first administrator of the server or of a customer.
    SetUp,
    /// To take up an invitation.
    Invitation,
    /// To choose a new password.
    Reset,
}
