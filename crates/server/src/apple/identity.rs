//! Who an Apple device is: by the signature over what it says, or by the certificate that a trusted proxy has checked.
//!
//! Whether anybody is known by a certificate is asked later; here it is made sure that the caller has the key to it. The
//! answer is never 401: devices may take that as the end of their enrollment.

use allclear_domain::{
    ids::Tenant,
    time::{Span, Time},
};
use allclear_engine::{apple_mdm_settings, device_certificates::EnrollmentName};
use allclear_pki::{Algorithms, Certificate, Error, cms};
use axum::http::HeaderMap;
use data_encoding::BASE64;

use crate::{access::ClientAddress, app::AppState, problem::Problem};

/// The header of a signature over the body (CMS, in base64).
const SIGNATURE: &str = "mdm-signature";
/// The header in which a proxy hands over the certificate of a TLS client (RFC 9440).
const CLIENT_CERTIFICATE: &str = "client-cert";
/// How far the time of a signature may be from ours: afterwards a request that somebody has recorded is worth nothing.
const SIGNED_WITHIN: Span = Span::seconds(3600);

/// A certificate whose key the caller has.
pub(super) struct Shown {
    /// The certificate.
    pub(super) certificate: Certificate,
    /// Those above it, as far as they came with it.
    pub(super) chain: Vec<Certificate>,
    /// The tenant it says it was issued for.
    pub(super) tenant: Tenant,
}

/// What the caller has the key to, and the tenant whose device it claims to be.
pub(super) async fn caller(
    state: &AppState,
    address: Option<ClientAddress>,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Shown, Problem> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(signature) = text(SIGNATURE) {
        let signature = BASE64.decode(signature.trim().as_bytes());
        let signature = signature.map_err(|_| Problem::bad_request("Mdm-Signature is not base64."))?;
        return signer(state, &signature, body).await;
    }
    let trusted = address.is_some_and(|address| state.options.trusted_proxies.contains(address.0));
    match text(CLIENT_CERTIFICATE) {
        Some(value) if trusted => {
            let der = value.trim().strip_prefix(':').and_then(|rest| rest.strip_suffix(':'));
            let der = der.and_then(|text| BASE64.decode(text.as_bytes()).ok());
            let certificate = der.and_then(|der| Certificate::from_der(&der).ok());
            let certificate = certificate.ok_or_else(|| Problem::bad_request("Client-Cert holds no certificate."))?;
            shown(certificate, Vec::new())
        }
        _ => Err(Problem::forbidden_because("The request is not signed.")),
    }
}

/// The certificate with which the body was signed a moment ago.
async fn signer(state: &AppState, signature: &[u8], body: &[u8]) -> Result<Shown, Problem> {
    let refused = |error| match error {
        Error::Malformed(_) | Error::TooLarge => Problem::bad_request("Mdm-Signature cannot be read."),
        error => Problem::forbidden_because(format!("The signature is not taken: {error}.")),
    };
    let verified = match cms::verify_detached(body, signature, Algorithms::default()) {
        Err(error @ Error::Algorithm(_)) => {
            // Only who signed says whose settings decide about old algorithms.
            let verified = cms::verify_detached(body, signature, Algorithms::LEGACY).map_err(refused)?;
            let tenant = shown(verified.certificate.clone(), Vec::new())?.tenant;
            let settings = state.db.read(move |tx| apple_mdm_settings::settings(tx, tenant)).await?;
            if !settings.signature_algorithms().sha1 {
                return Err(refused(error));
            }
            verified
        }
        verified => verified.map_err(refused)?,
    };
    let signed_at = verified.signed_at.map(|seconds| Time::from_micros(seconds.saturating_mul(1_000_000)));
    let now = state.source.now();
    match signed_at {
        Some(at) if at >= now.minus(SIGNED_WITHIN) && at <= now.plus(SIGNED_WITHIN) => {
            shown(verified.certificate, verified.chain)
        }
        Some(_) => Err(Problem::forbidden_because("The request was signed too long ago, or in the future.")),
        None => Err(Problem::forbidden_because("The signature does not say when it was made.")),
    }
}

/// Whose device it claims to be stands in the name of every certificate for one.
fn shown(certificate: Certificate, chain: Vec<Certificate>) -> Result<Shown, Problem> {
    let name = EnrollmentName::of(&certificate);
    let name = name.ok_or_else(|| Problem::forbidden_because("The certificate is not one of an enrollment."))?;
    Ok(Shown { certificate, chain, tenant: name.tenant })
}
