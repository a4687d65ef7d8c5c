//! The state of a device, as its owner sees it.

use std::time::Duration;

use allclear_domain::{
    check::{Check, CheckState},
    classification::Texts,
    compliance::Compliance,
    detection::ProtectionStatus,
    device::{EnrollmentStatus, Sensor},
    ids::{DeviceId, ThreatId},
    incident::{Incident, incidents},
    level::{Platform, RiskLevel},
    restricted::{self, Language},
    rules::Rules,
    template::language,
    time::Time,
};
use allclear_engine::Error;
use allclear_store::{db::Tx, devices, notifications, users};
use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::{IntoParams, ToSchema};

use crate::{
    app::AppState,
    auth::MessagesPrincipal,
    extract::{Json, Query},
    problem::Problem,
    sign_in::cookie,
};

/// The longest a request for news waits.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// The state of the device.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct DeviceState {
    /// What the organisation is called.
    organisation: String,
    /// Its colour, `#rrggbb`.
    #[schema(required = true)]
    accent_colour: Option<String>,
    /// The language to speak in: the one asked for, else the user's, else the organisation's.
    language: String,
    /// The device.
    device: OwnDevice,
    /// How bad its worst open issue is.
    risk_level: RiskLevel,
    /// Whether it may be trusted.
    compliance: Compliance,
    /// What its threat sensor last said of itself.
    protection_status: ProtectionStatus,
    /// When the device last said how it is, to about an hour; exactly after a check.
    #[schema(required = true)]
    checked_at: Option<Time>,
    /// When its owner last asked for a check that did not fail. It is done once `checked_at` is not before it.
    #[schema(required = true)]
    check_requested_at: Option<Time>,
    /// What is restricted because of the issues, in sentences. It comes back when they are put right.
    restrictions: Vec<String>,
    /// Open issues, the worst first.
    issues: Vec<OwnIssue>,
    /// How to reach the help desk.
    #[schema(required = true)]
    help: Option<String>,
    /// How many messages were not read.
    unread: i64,
}

/// The device.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct OwnDevice {
    id: DeviceId,
    name: String,
    platform: Platform,
    #[schema(required = true)]
    os_version: Option<String>,
}

/// Something to put right.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct OwnIssue {
    id: ThreatId,
    /// The kind of threat.
    name: String,
    /// How bad it is.
    level: RiskLevel,
    /// Since when.
    since: Time,
    /// What is the matter, in a sentence.
    #[schema(required = true)]
    about: Option<String>,
    /// What to do about it, in this order; may be empty.
    steps: Vec<String>,
}

/// How the state is told.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct StateParams {
    /// The language, a BCP 47 tag, instead of the user's.
    #[param(max_length = 35, example = "de")]
    language: Option<String>,
}

/// What news are waited for.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct WaitParams {
    /// The `ETag` of the state that is known, with or without its quotes.
    #[param(max_length = 100)]
    after: Option<String>,
    /// As for the state.
    #[param(max_length = 35)]
    language: Option<String>,
}

/// The state of the device
///
/// With an `ETag`; 304 if `If-None-Match` names it. Names and steps of issues come in the language where they are
/// translated.
#[utoipa::path(get, path = "/m/v1/state", tag = "messages-app", operation_id = "get_own_state", params(StateParams),
    responses((status = 200, body = DeviceState), (status = 304, description = "It is as it was.")))]
pub(super) async fn state(
    State(state): State<AppState>,
    who: MessagesPrincipal,
    headers: HeaderMap,
    Query(params): Query<StateParams>,
) -> Result<Response, Problem> {
    let language = checked(params.language)?;
    let (etag, known) = look(&state, who, language).await?;
    let named = headers.get(header::IF_NONE_MATCH).and_then(|named| named.to_str().ok()).unwrap_or_default();
    let mut response = if names(named, &etag) {
        (StatusCode::NOT_MODIFIED, [(header::ETAG, quoted(&etag)?)]).into_response()
    } else {
        ([(header::ETAG, quoted(&etag)?)], Json(known)).into_response()
    };
    // The browser keeps the session as long as we do.
    if let Some(secret) = cookie::MESSAGES.value(&headers, &state.options) {
        let (name, value) = cookie::MESSAGES.set(&state.options, secret)?;
        response.headers_mut().insert(name, value);
    }
    Ok(response)
}

/// Waits for news of the device
///
/// Answers with the state as soon as it is not the one of `after`, with 204 if nothing comes within 30 seconds.
#[utoipa::path(get, path = "/m/v1/wait", tag = "messages-app", operation_id = "wait_for_own_state", params(WaitParams),
    responses((status = 200, body = DeviceState), (status = 204, description = "Nothing new.")))]
pub(super) async fn wait(
    State(state): State<AppState>,
    who: MessagesPrincipal,
    Query(params): Query<WaitParams>,
) -> Result<Response, Problem> {
    let language = checked(params.language)?;
    let after = params.after.unwrap_or_default();
    let wake = state.engine.wake_owner(who.device);
    let end = tokio::time::sleep(LONGEST_WAIT);
    tokio::pin!(end);
    let mut last = false;
    loop {
        // Before the look, so that what comes after it is not missed.
        let woken = wake.notified();
        tokio::pin!(woken);
        woken.as_mut().enable();
        let (etag, known) = look(&state, who, language.clone()).await?;
        if !names(&after, &etag) {
            return Ok(([(header::ETAG, quoted(&etag)?)], Json(known)).into_response());
        }
        if last {
            return Ok(StatusCode::NO_CONTENT.into_response());
        }
        tokio::select! {
            () = woken => {}
            // One more look: not everything that is shown wakes.
            () = &mut end => last = true,
            () = state.stopping.cancelled() => last = true,
        }
    }
}

/// A language tag by its form.
fn checked(language: Option<String>) -> Result<Option<String>, Problem> {
    match language {
        Some(tag) if !language::is_tag(&tag) => {
            Err(Problem::invalid_field("language", "must be a language tag such as de"))
        }
        language => Ok(language.map(|tag| language::normal(&tag))),
    }
}

/// Whether a list of entity tags, or a bare one, names this one.
fn names(list: &str, etag: &str) -> bool {
    list.split(',').any(|one| one.trim().trim_start_matches("W/").trim_matches('"') == etag)
}

fn quoted(etag: &str) -> Result<HeaderValue, Problem> {
    HeaderValue::from_str(&format!("\"{etag}\"")).map_err(|error| Problem::internal(&error))
}

/// The state and its digest.
async fn look(
    state: &AppState,
    who: MessagesPrincipal,
    language: Option<String>,
) -> Result<(String, DeviceState), Problem> {
    let now = state.source.now();
    let read = state.engine.read(who.tenant, move |tx, rules| known(tx, rules, who, language.as_deref(), now));
    let known = read.await?.ok_or_else(Problem::unenrolled)?;
    let body = serde_json::to_vec(&known).map_err(|error| Problem::internal(&error))?;
    Ok((BASE64URL_NOPAD.encode(&Sha256::digest(body)[..16]), known))
}

/// The state of a device; none while it is not enrolled.
fn known(
    tx: &mut Tx<'_>,
    rules: &Rules,
    who: MessagesPrincipal,
    language: Option<&str>,
    now: Time,
) -> Result<Option<DeviceState>, Error> {
    let record = devices::get(tx, who.tenant, who.device)?.ok_or(Error::NotFound("device"))?;
    let (device, posture) = (&record.facts.device, &record.posture);
    if device.enrollment != EnrollmentStatus::Enrolled {
        return Ok(None);
    }
    let user = device.user.map(|user| users::get(tx, who.tenant, user)).transpose()?.flatten();
    let branding = &rules.settings.branding;
    let language = language.map(str::to_owned).or_else(|| user.and_then(|user| user.locale));
    let language = language.unwrap_or_else(|| branding.language.clone());
    let spoken = Language::of(&language);
    let restrictions = restricted::because_of_threats(rules, &record.facts, posture, now, spoken);
    let mine = |incident: &Incident<'_>| incident.threat.is_open() && incident.severity >= RiskLevel::Low;
    let issues = incidents(rules, &record.facts, now).into_iter().filter(mine);
    let (checked_at, check_requested_at) = checks(record.facts.check, device.sensor);
    let languages = language::chain(Some(&language), &branding.language);
    let texts = |kind| rules.templates.texts.best(kind, &languages);
    let issues: Vec<OwnIssue> = issues.map(|incident| issue(&incident, incident.kind.map(texts))).collect();
    Ok(Some(DeviceState {
        organisation: branding.organisation().to_owned(),
        accent_colour: branding.accent_colour.clone(),
        language,
        device: OwnDevice {
            id: device.id,
            name: device.friendly_name.clone(),
            platform: device.platform,
            os_version: device.os_version.clone(),
        },
        risk_level: posture.risk,
        compliance: posture.compliance,
        protection_status: posture.protection,
        checked_at,
        check_requested_at,
        restrictions: restrictions.into_iter().map(str::to_owned).collect(),
        issues,
        help: Some(branding.help.clone()).filter(|help| !help.is_empty()),
        unread: notifications::unread(tx, who.tenant, who.device)?,
    }))
}

/// The first of several sentences is what is the matter, the others are what to do.
fn issue(incident: &Incident<'_>, texts: Option<Texts<'_>>) -> OwnIssue {
    let mut steps: Vec<String> = texts.into_iter().flat_map(Texts::steps).map(str::to_owned).collect();
    let about = (steps.len() > 1).then(|| steps.remove(0));
    OwnIssue {
        id: incident.threat.id,
        name: texts.map_or(incident.name(), |texts| texts.name).to_owned(),
        level: incident.severity,
        since: incident.threat.first_seen,
        about,
        steps,
    }
}

/// When the device last said how it is, and when its owner asked for a check that did not fail. While the check goes on,
/// what was heard since the request does not count.
fn checks(check: Option<Check>, sensor: Sensor) -> (Option<Time>, Option<Time>) {
    let asked = check.filter(|check| check.state != CheckState::Failed).map(|check| check.requested_at);
    let pending = check.filter(Check::is_pending).map(|check| check.requested_at);
    let heard = sensor.reported_at.max(sensor.last_contact);
    let heard = heard.filter(|heard| pending.is_none_or(|asked| *heard < asked));
    (heard.max(check.and_then(|check| check.done_at)), asked)
}
