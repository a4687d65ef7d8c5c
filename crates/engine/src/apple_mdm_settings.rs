//! How a tenant's devices are managed by Apple's protocol: the push certificate, whose certificates of devices are believed,
//! and which algorithms are taken. Private keys are sealed.

use std::collections::BTreeMap;

use allclear_domain::{
    ids::Tenant,
    journal::{Change, Object},
    time::{Span, Time},
};
use allclear_pki::{Algorithms, Anchors, Certificate, Identity, PrivateKey, SigningRequest};
use allclear_store::{
    apple_mdm_settings::{self as stored, AppleMdmSetting},
    db::Tx,
    json, tenants,
};
use data_encoding::BASE64;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{Engine, Error, Problem, seal::Sealer, source::Source, work::Work};

/// The key of the push certificate in force.
const PUSH_KEY: &str = "push_key";
/// The key of the request for the next push certificate.
const REQUESTED_KEY: &str = "requested_push_key";
/// The password of an authority of others.
const CHALLENGE: &str = "challenge";

/// What Apple's topics for the management of devices begin with.
const TOPIC: &str = "com.apple.mgmt.";
/// All of Apple's access rights.
const ALL_ACCESS: u32 = 8191;
const MAX_AUTHORITIES: usize = 10;
/// How long the certificate of a device may be good.
const MAX_DAYS: u32 = 3650;

/// How long before its end a push certificate should be renewed.
const PUSH_WARNING: Span = Span::days(30);
/// The number of customers whose push certificate should be renewed.
const ENDING: &str = "allclear_apple_push_certificates_ending";

/// What is set, without secrets.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AppleMdmSettings {
    /// For how many days the certificate of a device is issued, 1 to 3,650.
    pub certificate_days: u32,
    /// Whether enrolling devices may use SHA-1, DES and 3DES.
    pub legacy_enrollment: bool,
    /// Whether devices may sign their messages over SHA-1.
    pub sha1_signatures: bool,
    /// What the management may do on the device: Apple's bits, 1 to 8,191. More cannot be added later.
    pub access_rights: u32,
    /// Authorities of others whose certificates are believed as well, each in PEM. At most 10.
    pub trusted_authorities: Vec<String>,
    /// Where devices get their certificate instead of here: the SCEP server of a trusted authority.
    pub scep_url: Option<String>,
    /// The push certificate and those above it, in PEM.
    pub push_certificate: Option<String>,
    /// Where devices are woken; none: at Apple.
    pub push_url: Option<String>,
    /// The authority of the push service, in PEM, if it is none of the public ones.
    pub push_authority: Option<String>,
}

impl Default for AppleMdmSettings {
    fn default() -> Self {
        Self {
            certificate_days: 365,
            legacy_enrollment: false,
            sha1_signatures: false,
            access_rights: ALL_ACCESS,
            trusted_authorities: Vec::new(),
            scep_url: None,
            push_certificate: None,
            push_url: None,
            push_authority: None,
        }
    }
}

impl AppleMdmSettings {
    /// What enrolling devices may use.
    pub fn enrollment_algorithms(&self) -> Algorithms {
        if self.legacy_enrollment { Algorithms::LEGACY } else { Algorithms::default() }
    }

    /// What devices may sign their messages with.
    pub fn signature_algorithms(&self) -> Algorithms {
        Algorithms { sha1: self.sha1_signatures, des: false }
    }

    /// The authorities of others that are trusted.
    pub fn anchors(&self) -> Anchors {
        let trusted = self.trusted_authorities.iter().filter_map(|pem| Certificate::from_pem(pem).ok());
        Anchors::new(trusted.collect())
    }

    /// The certificate with which devices are woken.
    pub fn push_certificate(&self) -> Option<Certificate> {
        Certificate::from_pem(self.push_certificate.as_deref()?).ok()
    }

    /// The authority of the push service, if it is none of the public ones.
    pub fn push_authority(&self) -> Option<Certificate> {
        Certificate::from_pem(self.push_authority.as_deref()?).ok()
    }

    /// The topic of devices' pushes: what the push certificate is for.
    pub fn topic(&self) -> Option<String> {
        self.push_certificate()?.user_id()
    }

    fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut that = |holds: bool, pointer: &str, detail: &str| {
            if !holds {
                problems.push(Problem::new(pointer, detail));
            }
        };
        that((1..=MAX_DAYS).contains(&self.certificate_days), "/certificate_days", "must be 1 to 3650");
        let rights = self.access_rights;
        that((1..=ALL_ACCESS).contains(&rights), "/access_rights", "must be 1 to 8191");
        that(rights & 2 == 0 || rights & 1 != 0, "/access_rights", "must have 1 with 2");
        that(rights & 128 == 0 || rights & 64 != 0, "/access_rights", "must have 64 with 128");
        let few = self.trusted_authorities.len() <= MAX_AUTHORITIES;
        that(few, "/trusted_authorities", "holds more than 10");
        for (index, pem) in self.trusted_authorities.iter().enumerate().take(MAX_AUTHORITIES) {
            let authority = Certificate::from_pem(pem).is_ok_and(|certificate| certificate.is_authority());
            that(authority, &format!("/trusted_authorities/{index}"), "must be the certificate of an authority in PEM");
        }
        if let Some(pem) = &self.push_authority {
            let authority = Certificate::from_pem(pem).is_ok_and(|certificate| certificate.is_authority());
            that(authority, "/push_authority", "must be the certificate of an authority in PEM");
        }
        if let Some(url) = &self.scep_url {
            let plain = url.starts_with("https://") || url.starts_with("http://");
            let good = plain && url.len() <= 2048 && url.chars().all(|c| c.is_ascii_graphic());
            that(good, "/scep_url", "must be a URL");
            that(!self.trusted_authorities.is_empty(), "/scep_url", "needs a trusted authority");
        }
        problems
    }
}

/// The secrets, by name.
type Secrets = BTreeMap<String, String>;

/// What is set, with its secrets open.
#[derive(Clone)]
pub struct Setting {
    /// What is set, without secrets.
    pub settings: AppleMdmSettings,
    secrets: Secrets,
    /// Grows with every change; 0 before the first.
    pub version: i64,
    /// When it was changed last; never before the first.
    pub changed_at: Option<Time>,
}

impl std::fmt::Debug for Setting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Setting").field("settings", &self.settings).field("version", &self.version).finish()
    }
}

impl Setting {
    /// The push certificate with its key: with which devices are woken.
    pub fn push_identity(&self) -> Option<Identity> {
        let certificates = self.settings.push_certificate.as_deref()?;
        Identity::from_pem(certificates, self.secrets.get(PUSH_KEY)?).ok()
    }

    /// The password of the trusted authority's SCEP server.
    pub fn scep_challenge(&self) -> Option<&str> {
        self.secrets.get(CHALLENGE).map(String::as_str)
    }

    /// Whether a push certificate was asked for that is not there yet.
    pub fn is_requested(&self) -> bool {
        self.secrets.contains_key(REQUESTED_KEY)
    }
}

/// What a tenant has set; the defaults before it was set up.
pub fn get(tx: &mut Tx<'_>, sealer: &Sealer, tenant: Tenant) -> Result<Setting, Error> {
    let Some(stored) = stored::get(tx, tenant)? else {
        return Ok(Setting {
            settings: AppleMdmSettings::default(),
            secrets: Secrets::new(),
            version: 0,
            changed_at: None,
        });
    };
    Ok(Setting {
        settings: json::decode(&stored.config)?,
        secrets: json::decode(&sealer.open_text(tenant, &stored.secrets)?)?,
        version: stored.version,
        changed_at: Some(stored.changed_at),
    })
}

/// What is set, without its secrets.
pub fn settings(tx: &mut Tx<'_>, tenant: Tenant) -> Result<AppleMdmSettings, Error> {
    Ok(stored::get(tx, tenant)?.map(|stored| json::decode(&stored.config)).transpose()?.unwrap_or_default())
}

/// A change of what is set.
#[derive(Clone)]
pub struct NewSetting {
    /// What is set from now on.
    pub settings: AppleMdmSettings,
    /// The key of the push certificate, in PEM; the one in force, or the one it was asked for with, if there is none.
    pub push_key: Option<String>,
    /// The password of the trusted authority's SCEP server; left out it stays, empty it is removed.
    pub scep_challenge: Option<String>,
    /// The version the change is based on; 0 before the first.
    pub version: i64,
}

/// Sets it. Returns the version now.
///
/// # Errors
/// [`Error::Stale`] when it was changed in the meantime.
pub fn set(work: &mut Work<'_, '_>, sealer: &Sealer, source: &dyn Source, new: &NewSetting) -> Result<i64, Error> {
    let old = get(work.tx, sealer, work.tenant)?;
    super::rules::same_version(new.version, old.version)?;
    let mut problems = new.settings.problems();
    let mut secrets = old.secrets.clone();
    match &new.scep_challenge {
        Some(none) if none.is_empty() => drop(secrets.remove(CHALLENGE)),
        Some(challenge) => drop(secrets.insert(CHALLENGE.to_owned(), challenge.clone())),
        None => {}
    }
    match &new.settings.push_certificate {
        None => drop(secrets.remove(PUSH_KEY)),
        Some(pem) => match push_key(pem, new.push_key.as_deref(), &old.secrets, work.now) {
            Ok(key) => {
                if secrets.get(REQUESTED_KEY) == Some(&key) {
                    secrets.remove(REQUESTED_KEY);
                }
                secrets.insert(PUSH_KEY.to_owned(), key);
            }
            Err(detail) => problems.push(Problem::new("/push_certificate", detail)),
        },
    }
    Error::check(problems)?;
    if old.settings == new.settings && old.secrets == secrets && old.version > 0 {
        return Ok(old.version);
    }
    put(work, sealer, source, &old, &new.settings, &secrets)
}

/// The key that a push certificate goes with.
fn push_key(pem: &str, given: Option<&str>, secrets: &Secrets, now: Time) -> Result<String, &'static str> {
    let certificate = Certificate::from_pem(pem).map_err(|_| "must be a certificate in PEM")?;
    if !certificate.user_id().is_some_and(|topic| topic.starts_with(TOPIC)) {
        return Err("is no push certificate for device management: its subject has no such UID");
    }
    if certificate.not_after() <= now.as_micros() / 1_000_000 {
        return Err("has expired");
    }
    let kept = [secrets.get(PUSH_KEY), secrets.get(REQUESTED_KEY)];
    let mut keys = given.into_iter().chain(kept.into_iter().flatten().map(String::as_str));
    let key = keys.find(|key| Identity::from_pem(pem, key).is_ok());
    key.map(str::to_owned).ok_or("does not belong to the key that it was asked for with, nor to the one given")
}

/// Makes a key and a request for a push certificate, in PEM. The key is kept until the certificate comes.
pub fn request_push_certificate(
    work: &mut Work<'_, '_>,
    sealer: &Sealer,
    source: &dyn Source,
    key: &PrivateKey,
    organization: &str,
) -> Result<String, Error> {
    let unfit = |error: allclear_pki::Error| Error::Conflict(error.to_string());
    let request = SigningRequest::make(key, "Device management push", Some(organization), None).map_err(unfit)?;
    let old = get(work.tx, sealer, work.tenant)?;
    let mut secrets = old.secrets.clone();
    secrets.insert(REQUESTED_KEY.to_owned(), key.pem().map_err(unfit)?);
    put(work, sealer, source, &old, &old.settings, &secrets)?;
    SigningRequest::pem(&request).map_err(unfit)
}

fn put(
    work: &mut Work<'_, '_>,
    sealer: &Sealer,
    source: &dyn Source,
    old: &Setting,
    settings: &AppleMdmSettings,
    secrets: &Secrets,
) -> Result<i64, Error> {
    let setting = AppleMdmSetting {
        config: json::encode(settings)?,
        secrets: sealer.seal_text(work.tenant, &json::encode(secrets)?, source)?,
        version: old.version + 1,
        changed_at: work.now,
    };
    stored::put(work.tx, work.tenant, &setting)?;
    let mut after = json!({ "config": settings });
    if old.secrets != *secrets {
        after["secrets"] = json!("changed");
    }
    let change = match old.version {
        0 => Change::Created { after },
        _ => Change::Updated { before: json!({ "config": old.settings }), after },
    };
    let object = Object { kind: "apple_mdm".into(), id: "apple_mdm".into(), name: "Apple device management".into() };
    work.note(object, None, change);
    Ok(setting.version)
}

/// When a push certificate ends, and whether it should be renewed now.
pub fn push_end(certificate: &Certificate, now: Time) -> (Time, bool) {
    let end = Time::from_micros(certificate.not_after().saturating_mul(1_000_000));
    (end, end.since(now) <= PUSH_WARNING)
}

/// Counts the push certificates that should be renewed, and names them in the log if wanted: without one no device is
/// woken.
pub(crate) async fn watch(engine: &Engine, now: Time, log: bool) -> Result<(), Error> {
    let found = engine.db().read(move |tx| {
        let mut found = Vec::new();
        for tenant in tenants::list(tx)? {
            let certificate = settings(tx, tenant)?.push_certificate();
            found.extend(certificate.map(|certificate| (tenant, push_end(&certificate, now))));
        }
        Ok::<_, Error>(found)
    });
    let found = found.await?;
    let ending = found.iter().filter(|(_, (_, soon))| *soon);
    metrics::gauge!(ENDING).set(f64::from(u32::try_from(ending.clone().count()).unwrap_or(u32::MAX)));
    for (tenant, (end, _)) in ending.filter(|_| log) {
        tracing::warn!(tenant = tenant.0, %end, "the push certificate for Apple devices ends: renew it with Apple");
    }
    Ok(())
}

/// Bytes as they are sealed: text.
pub(crate) fn seal(sealer: &Sealer, source: &dyn Source, tenant: Tenant, bytes: &[u8]) -> Result<Vec<u8>, Error> {
    sealer.seal(tenant, &BASE64.encode(bytes), source)
}

/// Bytes that [`seal`] sealed.
pub(crate) fn open(sealer: &Sealer, tenant: Tenant, sealed: &[u8]) -> Result<Vec<u8>, Error> {
    BASE64.decode(sealer.open(tenant, sealed)?.as_bytes()).map_err(|_| Error::Sealed)
}
