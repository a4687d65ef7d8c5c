//! How a tenant's devices are managed by Apple's protocol: the push certificate, and whose certificates are believed.
//! Private keys and passwords are written and never shown again.

use allclear_channels::push::apns;
use allclear_domain::time::Time;
use allclear_engine::{
    Error,
    apple_mdm_settings::{self as engine, AppleMdmSettings, NewSetting, Setting},
    device_authority,
};
use allclear_pki::{Certificate, PrivateKey};
use allclear_store::organization_groups;
use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::common::given;
use crate::{
    app::AppState,
    auth::Principal,
    extract::{IfMatch, Json, etag},
    problem::Problem,
};

const PUSH_KEY_BITS: usize = 2048;

/// How devices are managed by Apple's protocol.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AppleMdm {
    /// For how many days the certificate of a device is issued.
    certificate_days: u32,
    /// Whether enrolling devices may use SHA-1, DES and 3DES.
    legacy_enrollment: bool,
    /// Whether devices may sign their messages over SHA-1.
    sha1_signatures: bool,
    /// What the management may do on the device: the sum of Apple's bits.
    access_rights: u32,
    /// The tenant's own authority, which issues; null before the management is set up. The next one takes its place two
    /// years before it ends.
    #[schema(required = true)]
    authority: Option<ShownCertificate>,
    /// Those before it: certificates that they have issued are good until they end.
    former_authorities: Vec<ShownCertificate>,
    /// Authorities of others whose certificates of devices are believed as well.
    trusted_authorities: Vec<ShownCertificate>,
    /// Where devices get their certificate; null: here.
    #[schema(required = true)]
    scep_url: Option<String>,
    /// Whether there is a password for it.
    scep_challenge_set: bool,
    /// The certificate with which devices are woken; null: there is none, and no device can enroll.
    #[schema(required = true)]
    push_certificate: Option<PushCertificate>,
    /// Whether a push certificate was requested that is not here yet.
    push_certificate_requested: bool,
    /// Where devices are woken; null: at Apple.
    #[schema(required = true)]
    push_url: Option<String>,
    /// The authority of the push service, if it is none of the public ones.
    #[schema(required = true)]
    push_authority: Option<ShownCertificate>,
    /// Grows with every change; 0 before the first.
    version: i64,
    /// When it was changed last.
    #[schema(required = true)]
    changed_at: Option<Time>,
}

/// A certificate.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ShownCertificate {
    /// Whom it is for.
    subject: String,
    /// SHA-256 of it in hexadecimal.
    fingerprint: String,
    /// Until when it is good.
    not_after: Time,
    /// The certificate in PEM.
    certificate: String,
}

/// The certificate with which devices are woken.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PushCertificate {
    /// The topic of pushes, which must stay the same for ever: devices enrolled with another have to enroll again.
    topic: String,
    /// Whether it ends within 30 days, or has ended. Then renew it with Apple, and do not make a new one.
    expires_soon: bool,
    /// The certificate.
    #[serde(flatten)]
    shown: ShownCertificate,
}

/// How devices are managed by Apple's protocol from now on.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AppleMdmEdit {
    /// For how many days the certificate of a device is issued; 365 unless given.
    #[schema(minimum = 1, maximum = 3650)]
    certificate_days: Option<u32>,
    /// Whether enrolling devices may use SHA-1, DES and 3DES; not unless given.
    #[serde(default)]
    legacy_enrollment: bool,
    /// Whether devices may sign their messages over SHA-1; not unless given.
    #[serde(default)]
    sha1_signatures: bool,
    /// What the management may do on the device: the sum of Apple's bits; all of them, 8191, unless given. Concerns
    /// devices that enroll from now on.
    #[schema(minimum = 1, maximum = 8191)]
    access_rights: Option<u32>,
    /// Authorities of others whose certificates of devices are believed as well, each in PEM.
    #[serde(default)]
    #[schema(max_items = 10)]
    trusted_authorities: Vec<String>,
    /// Where devices get their certificate instead of here: the SCEP server of a trusted authority, which must leave the
    /// common name as it is requested.
    #[schema(max_length = 2048)]
    scep_url: Option<String>,
    /// The password for it. Left out it stays, empty it is removed.
    #[schema(max_length = 1024, write_only)]
    scep_challenge: Option<String>,
    /// The push certificate from Apple in PEM. Left out it stays, null removes it.
    #[serde(default, deserialize_with = "given")]
    #[schema(max_length = 20_000)]
    push_certificate: Option<Option<String>>,
    /// Its private key, RSA in PEM. Left out it is the one that the certificate was requested with.
    #[schema(max_length = 20_000, write_only)]
    push_key: Option<String>,
    /// Where devices are woken, if not at Apple: a proxy for its push service.
    #[schema(max_length = 500)]
    push_url: Option<String>,
    /// The authority of that push service in PEM, if it is none of the public ones.
    #[schema(max_length = 20_000)]
    push_authority: Option<String>,
    /// The version this is based on, unless `If-Match` says it; 0 before the first.
    version: Option<i64>,
}

/// A request for a push certificate.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PushCertificateRequest {
    /// The request (PKCS#10) in PEM. A vendor of device management has to sign it before Apple takes it.
    request: String,
}

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(get, put)).routes(routes!(request))
}

/// How Apple devices are managed
///
/// It concerns the whole tenant, so a part of it does not suffice as reach.
#[utoipa::path(get, path = "/api/v1/apple-mdm", tag = "apple", operation_id = "get_apple_mdm",
    responses((status = 200, body = AppleMdm)))]
async fn get(State(state): State<AppState>, principal: Principal) -> Result<Response, Problem> {
    shown(&state, &principal).await
}

async fn read(state: &AppState, principal: &Principal) -> Result<(Setting, Vec<Certificate>), Problem> {
    let (who, sealer) = (principal.clone(), state.engine.sealer().clone());
    let found = state.engine.read(principal.tenant, move |tx, rules| {
        who.whole_tenant(rules)?;
        let own = device_authority::certificates(tx, who.tenant)?;
        Ok((engine::get(tx, &sealer, who.tenant)?, own))
    });
    Ok(found.await?)
}

async fn shown(state: &AppState, principal: &Principal) -> Result<Response, Problem> {
    let (setting, own) = read(state, principal).await?;
    let settings = &setting.settings;
    let mut own = own.iter().map(show).collect::<Result<Vec<_>, _>>()?.into_iter();
    let trusted = settings.trusted_authorities.iter().filter_map(|pem| Certificate::from_pem(pem).ok());
    let push = settings.push_certificate().map(|certificate| {
        let topic = certificate.user_id().unwrap_or_default();
        let (_, expires_soon) = engine::push_end(&certificate, state.source.now());
        Ok::<_, Problem>(PushCertificate { topic, expires_soon, shown: show(&certificate)? })
    });
    let answer = AppleMdm {
        certificate_days: settings.certificate_days,
        legacy_enrollment: settings.legacy_enrollment,
        sha1_signatures: settings.sha1_signatures,
        access_rights: settings.access_rights,
        authority: own.next(),
        former_authorities: own.collect(),
        trusted_authorities: trusted.map(|one| show(&one)).collect::<Result<_, _>>()?,
        scep_url: settings.scep_url.clone(),
        scep_challenge_set: setting.scep_challenge().is_some(),
        push_certificate: push.transpose()?,
        push_certificate_requested: setting.is_requested(),
        push_url: settings.push_url.clone(),
        push_authority: settings.push_authority().as_ref().map(show).transpose()?,
        version: setting.version,
        changed_at: setting.changed_at,
    };
    Ok((etag(answer.version), Json(answer)).into_response())
}

fn show(certificate: &Certificate) -> Result<ShownCertificate, Problem> {
    Ok(ShownCertificate {
        subject: certificate.subject(),
        fingerprint: HEXLOWER.encode(&certificate.fingerprint()),
        not_after: Time::from_micros(certificate.not_after().saturating_mul(1_000_000)),
        certificate: certificate.pem().map_err(|error| Problem::internal(&error))?,
    })
}

/// Sets up how Apple devices are managed
///
/// The first time an authority for the certificates of devices is made, which takes seconds.
#[utoipa::path(put, path = "/api/v1/apple-mdm", tag = "apple", operation_id = "set_apple_mdm",
    request_body = AppleMdmEdit, responses((status = 200, body = AppleMdm)))]
async fn put(
    State(state): State<AppState>,
    principal: Principal,
    if_match: IfMatch,
    Json(edit): Json<AppleMdmEdit>,
) -> Result<Response, Problem> {
    let version = if_match.seen(edit.version)?;
    let (before, _) = read(&state, &principal).await?;
    let defaults = AppleMdmSettings::default();
    let settings = AppleMdmSettings {
        certificate_days: edit.certificate_days.unwrap_or(defaults.certificate_days),
        legacy_enrollment: edit.legacy_enrollment,
        sha1_signatures: edit.sha1_signatures,
        access_rights: edit.access_rights.unwrap_or(defaults.access_rights),
        trusted_authorities: edit.trusted_authorities,
        scep_url: edit.scep_url,
        push_certificate: edit.push_certificate.unwrap_or(before.settings.push_certificate),
        push_url: edit.push_url,
        push_authority: edit.push_authority,
    };
    if let Some(why) = apns::mdm_problem(&settings, &state.options.outgoing) {
        return Err(Problem::invalid_field("/push_url", why));
    }
    let new = NewSetting { settings, push_key: edit.push_key, scep_challenge: edit.scep_challenge, version };
    let (who, sealer, source) = (principal.clone(), state.engine.sealer().clone(), state.source.clone());
    let set = state.engine.edit(principal.tenant, principal.actor(), move |work| {
        who.whole_tenant(work.rules())?;
        engine::set(work, &sealer, &*source, &new)
    });
    set.await.map_err(|error| if_match.problem(error))?;
    device_authority::ensure(&state.engine, principal.tenant).await?;
    shown(&state, &principal).await
}

/// Requests a push certificate
///
/// Makes a private key, which is kept, and a request for its certificate. A request that was made before is forgotten.
#[utoipa::path(post, path = "/api/v1/apple-mdm/push-certificate-request", tag = "apple",
    operation_id = "request_push_certificate", responses((status = 201, body = PushCertificateRequest)))]
async fn request(
    State(state): State<AppState>,
    principal: Principal,
) -> Result<(StatusCode, Json<PushCertificateRequest>), Problem> {
    let who = principal.clone();
    let organization = state.engine.read(principal.tenant, move |tx, rules| {
        who.whole_tenant(rules)?;
        let root = rules.organization_groups.root().ok_or(Error::NotFound("organization group"))?;
        Ok(organization_groups::get(tx, who.tenant, root)?.map(|(group, _)| group.name).unwrap_or_default())
    });
    let organization = organization.await?;
    let key = tokio::task::spawn_blocking(|| PrivateKey::generate(PUSH_KEY_BITS)).await;
    let key = key.map_err(|error| Problem::internal(&error))?.map_err(|error| Problem::internal(&error))?;
    let (sealer, source) = (state.engine.sealer().clone(), state.source.clone());
    let made = state.engine.edit(principal.tenant, principal.actor(), move |work| {
        engine::request_push_certificate(work, &sealer, &*source, &key, &organization)
    });
    Ok((StatusCode::CREATED, Json(PushCertificateRequest { request: made.await? })))
}
