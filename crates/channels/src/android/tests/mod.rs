//! What is true of policies, conflicts and reports.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failed step is a failed test")]

mod conflicts;
mod given;
mod merging;
mod quickstart;
mod rendering;
mod schema;
mod status;

use allclear_domain::payload::{CustomSettings, Payload};
use serde_json::Value;

use super::policy::Policy;

fn custom(content: Value) -> Payload {
    let Value::Object(content) = content else { panic!("{content} is no object") };
    Payload::CustomSettings(CustomSettings { payload_type: None, content })
}

fn policy(content: Value) -> Policy {
    Policy::of(&[custom(content)])
}
