//! Talking to a server as any program does: over its public interfaces, with a credential.

use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context, Result, bail};
use clap::Args;
use reqwest::{Method, StatusCode, header};
use rustls::{ClientConfig, RootCertStore, pki_types::pem::PemObject};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// Which server a command talks to.
#[derive(Args, Clone, Default)]
pub struct Remote {
    /// The server's URL, such as `https://allclear.example.com`
    #[arg(long, value_name = "URL", env = "ALLCLEAR_SERVER")]
    pub server: Option<String>,
    /// An API token; safer in the environment than on the command line
    #[arg(long, value_name = "TOKEN", env = "ALLCLEAR_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
    /// A file with the certificate (PEM) of the authority that the server's certificate is from, if it is your own
    #[arg(long, value_name = "FILE")]
    pub authority: Option<PathBuf>,
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote").field("server", &self.server).finish_non_exhaustive()
    }
}

/// A server and a credential for it. Cheap to clone; clones share their connections.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: Arc<str>,
    credential: Option<Arc<str>>,
}

/// A call that did not give what it should.
#[derive(Debug)]
pub enum CallError {
    /// No answer came, or not all of it, or not one of ours.
    Transport(reqwest::Error),
    /// The server refused.
    Refused(Refusal),
}

/// What the server said.
#[derive(Debug, Deserialize)]
pub struct Refusal {
    /// The HTTP status.
    #[serde(default)]
    pub status: u16,
    /// What kind of problem, in short.
    #[serde(default)]
    pub title: String,
    /// What is wrong with this request.
    #[serde(default)]
    pub detail: String,
    /// After how many seconds to come back.
    #[serde(skip)]
    pub retry_after: Option<u64>,
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CallError::Transport(error) => write!(f, "the server could not be reached: {}", innermost(error)),
            CallError::Refused(refusal) => write!(f, "{} ({}): {}", refusal.title, refusal.status, refusal.detail),
        }
    }
}

/// The last cause, which is the one people understand.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

impl std::error::Error for CallError {}

impl CallError {
    /// The server's status, if it answered.
    pub fn status(&self) -> Option<u16> {
        match self {
            CallError::Transport(_) => None,
            CallError::Refused(refusal) => Some(refusal.status),
        }
    }

    /// How long to wait before the same request may succeed; nothing if it never will.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            CallError::Transport(error) if error.is_builder() => None,
            CallError::Transport(_) => Some(Duration::from_secs(1)),
            CallError::Refused(refusal) if matches!(refusal.status, 429 | 502..=504) => {
                Some(Duration::from_secs(refusal.retry_after.unwrap_or(1).clamp(1, 60)))
            }
            CallError::Refused(_) => None,
        }
    }
}

/// A request's body.
pub enum Body<'a> {
    /// None.
    Empty,
    /// A value as JSON.
    Json(&'a serde_json::Value),
    /// Lines of JSON.
    Lines(String),
}

/// How often a request that may succeed later is sent.
const ATTEMPTS: u32 = 6;

impl Client {
    /// A client for a server.
    pub fn new(remote: &Remote) -> Result<Client> {
        let Some(server) = &remote.server else { bail!("--server is missing") };
        let base = server.trim_end_matches('/');
        if !base.starts_with("http://") && !base.starts_with("https://") {
            bail!("the server's URL begins with http:// or https://");
        }
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        if let Some(path) = &remote.authority {
            let certificates = rustls::pki_types::CertificateDer::pem_file_iter(path)
                .and_then(Iterator::collect::<Result<Vec<_>, _>>)
                .with_context(|| format!("cannot read the certificate in {}", path.display()))?;
            for certificate in certificates {
                roots.add(certificate).with_context(|| format!("{} is no authority's certificate", path.display()))?;
            }
        }
        let mut tls = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .connect_timeout(Duration::from_secs(10))
            // Longer than the longest long poll.
            .timeout(Duration::from_secs(90))
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("allclear/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Client { http, base: base.into(), credential: remote.token.as_deref().map(Into::into) })
    }

    /// The same server with another credential.
    pub fn with_credential(&self, credential: &str) -> Client {
        Client { credential: Some(credential.into()), ..self.clone() }
    }

    /// Sends a request once. `path` begins with a slash.
    pub async fn call<T: DeserializeOwned>(&self, method: Method, path: &str, body: &Body<'_>) -> Result<T, CallError> {
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        if let Some(credential) = &self.credential {
            request = request.bearer_auth(credential);
        }
        request = match body {
            Body::Empty => request,
            Body::Json(value) => request.json(value),
            Body::Lines(text) => request.header(header::CONTENT_TYPE, "application/x-ndjson").body(text.clone()),
        };
        let response = request.send().await.map_err(CallError::Transport)?;
        let status = response.status();
        if status.is_success() {
            let bytes = response.bytes().await.map_err(CallError::Transport)?;
            let text: &[u8] = if bytes.is_empty() { b"null" } else { &bytes };
            return serde_json::from_slice(text).map_err(|error| not_ours(status, &error.to_string()));
        }
        let retry_after =
            response.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        let bytes = response.bytes().await.map_err(CallError::Transport)?;
        let mut refusal: Refusal =
            serde_json::from_slice(&bytes).map_err(|_| not_ours(status, "the answer is no problem document"))?;
        refusal.status = status.as_u16();
        refusal.retry_after = retry_after;
        Err(CallError::Refused(refusal))
    }

    /// Sends a request that does no harm when it is sent twice, again and again while it may still succeed.
    pub async fn insist<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: &Body<'_>,
    ) -> Result<T, CallError> {
        let mut pause = Duration::from_millis(250);
        for _ in 1..ATTEMPTS {
            match self.call(method.clone(), path, body).await {
                Err(error) => match error.retry_after() {
                    Some(after) => tokio::time::sleep(after.min(pause.max(after / 4))).await,
                    None => return Err(error),
                },
                done => return done,
            }
            pause *= 2;
        }
        self.call(method, path, body).await
    }

    /// [`Client::insist`] with GET.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, CallError> {
        self.insist(Method::GET, path, &Body::Empty).await
    }

    /// Posts a value once.
    pub async fn post<T: DeserializeOwned>(&self, path: &str, value: impl Serialize) -> Result<T, CallError> {
        let value = serde_json::to_value(value)
            .map_err(|error| not_ours(StatusCode::BAD_REQUEST, &format!("a request cannot be written: {error}")))?;
        self.call(Method::POST, path, &Body::Json(&value)).await
    }
}

fn not_ours(status: StatusCode, detail: &str) -> CallError {
    CallError::Refused(Refusal {
        status: status.as_u16(),
        title: "Unexpected answer".into(),
        detail: detail.to_owned(),
        retry_after: None,
    })
}
