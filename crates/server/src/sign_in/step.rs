//! What a session remembers between the two halves of a step: a challenge and its answer. Kept with the session,
//! sealed, so that any node can take the answer; good once and for five minutes.

use allclear_domain::time::{Span, Time};
use allclear_store::sessions;
use serde::{Deserialize, Serialize};
use webauthn_rs::prelude::{PasskeyAuthentication, PasskeyRegistration};

use crate::{app::AppState, auth::SignedIn, problem::Problem};

/// How long an answer may take.
const GOOD_FOR: Span = Span::seconds(300);

/// What is to be answered.
#[derive(Serialize, Deserialize)]
pub enum Step {
    /// A code of this secret shows that it has arrived in an authenticator app.
    Totp {
        /// The secret in base 32.
        secret: String,
    },
    /// A new passkey is to be made.
    NewPasskey {
        /// What its owner calls it.
        name: String,
        /// What the WebAuthn library wants to see again.
        registration: Box<PasskeyRegistration>,
    },
    /// A passkey is to sign a challenge.
    Passkey(Box<PasskeyAuthentication>),
}

#[derive(Serialize, Deserialize)]
struct Kept {
    until: Time,
    step: Step,
}

/// Remembers a step in place of any other.
pub async fn begin(state: &AppState, signed_in: &SignedIn, step: Step) -> Result<(), Problem> {
    let kept = Kept { until: state.source.now().plus(GOOD_FOR), step };
    let text = serde_json::to_string(&kept).map_err(|error| Problem::internal(&error))?;
    let (tenant, id) = (signed_in.session.tenant, signed_in.session.id);
    let sealed = state.engine.sealer().seal(tenant, &text, &*state.source)?;
    let there = state.db.write(move |tx| sessions::set_step(tx, tenant, id, Some(&sealed))).await?;
    if there { Ok(()) } else { Err(Problem::unauthorized("The session has ended; sign in.")) }
}

/// The step that is under way, which is forgotten unless it `may_be_repeated` after a wrong answer.
pub async fn take(state: &AppState, signed_in: &SignedIn, may_be_repeated: bool) -> Result<Step, Problem> {
    let none = || Problem::conflict("Nothing is under way that could be answered, or the answer comes too late.");
    let sealed = signed_in.session.step.clone().ok_or_else(none)?;
    let (tenant, id) = (signed_in.session.tenant, signed_in.session.id);
    let kept: Kept = serde_json::from_str(&state.engine.sealer().open(tenant, &sealed)?)
        .map_err(|error| Problem::internal(&error))?;
    if !may_be_repeated && !state.db.write(move |tx| sessions::take_step(tx, tenant, id, &sealed)).await? {
        return Err(none());
    }
    if kept.until > state.source.now() { Ok(kept.step) } else { Err(none()) }
}
