//! Connections to other people's servers, at addresses that somebody typed in: an HTTP client, and [`AllowList::resolve`]
//! for other protocols.
//!
//! They lead to public addresses only, so that a URL in a setting cannot be used to reach what is beside the server:
//! its own ports, the office network, the cloud's metadata service. What an operator wants to reach there is named in
//! the [`AllowList`]. The check is made on the address that is connected to, after the name is resolved, so that a
//! name cannot first point elsewhere. Redirects are not followed and proxies of the environment not used, because
//! either would go around the check.
//!
//! Must not know what is requested, nor by whom.

mod answer;

use std::{
    error::Error as StdError,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    str::FromStr,
    sync::Arc,
    time::Duration,
};

pub use answer::{http_date, retry_after, words};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use reqwest::{
    Client, Method, RequestBuilder, Response, Url,
    dns::{Addrs, Name, Resolve, Resolving},
};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer},
};

/// What an operator lets us reach besides public addresses over https.
///
/// Written as a list of networks (`10.1.0.0/16`), addresses (`127.0.0.1`) and host names (`feed.internal`).
/// A network or address permits connections to it, and plain http where the URL has the address itself.
/// A host name permits connections to whatever it resolves to, and plain http.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AllowList {
    networks: Vec<IpNet>,
    hosts: Vec<String>,
}

impl AllowList {
    /// Reads the entries; the first that is neither network, address nor host name is the error.
    pub fn new<S: AsRef<str>>(entries: impl IntoIterator<Item = S>) -> Result<Self, BadEntry> {
        let mut list = Self::default();
        for entry in entries {
            let entry = entry.as_ref().trim();
            if let Ok(network) = entry.parse::<IpNet>() {
                list.networks.push(network);
            } else if let Ok(address) = entry.parse::<IpAddr>() {
                list.networks.push(address.into());
            } else if is_host_name(entry) {
                list.hosts.push(canonical_host(entry));
            } else {
                return Err(BadEntry(entry.to_owned()));
            }
        }
        Ok(list)
    }

    /// Refuses a URL that would not be requested in any case: where a name leads is not looked at.
    pub fn check(&self, url: &Url) -> Result<(), Refused> {
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or(Refused::NoHost)?;
        // Without the brackets of an IPv6 address.
        let address = host.trim_matches(['[', ']']).parse::<IpAddr>().ok();
        let listed = self.has_host(host) || address.is_some_and(|address| self.has_address(address));
        if url.scheme() != "https" && !(url.scheme() == "http" && listed) {
            return Err(Refused::NotHttps { host: host.to_owned() });
        }
        if let Some(address) = address
            && let Some(why) = self.refuses(address)
        {
            return Err(Refused::Address { host: host.to_owned(), address, why });
        }
        Ok(())
    }

    /// The addresses of a server that is not spoken to by HTTP, in the order to try them in: those that may be connected
    /// to. `host` is a name or an address.
    pub async fn resolve(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, Unreachable> {
        let name = host.trim_matches(['[', ']']);
        let addresses = tokio::net::lookup_host((name, port))
            .await
            .map_err(|cause| Unreachable::Unknown { host: host.to_owned(), cause })?;
        let permitted = self.permitted(name, addresses)?;
        if permitted.is_empty() {
            let cause = std::io::Error::new(std::io::ErrorKind::NotFound, "the name has no address");
            return Err(Unreachable::Unknown { host: host.to_owned(), cause });
        }
        Ok(permitted)
    }

    /// Leaves out the addresses of a name that may not be connected to; an error if none is left because of that.
    fn permitted(&self, host: &str, addresses: impl Iterator<Item = SocketAddr>) -> Result<Vec<SocketAddr>, Refused> {
        if self.has_host(host) {
            return Ok(addresses.collect());
        }
        let mut refused = None;
        let permitted: Vec<SocketAddr> = addresses
            .filter(|address| {
                let why = self.refuses(address.ip());
                if let Some(why) = why {
                    refused = Some(Refused::Address { host: host.to_owned(), address: address.ip(), why });
                }
                why.is_none()
            })
            .collect();
        match refused {
            Some(refused) if permitted.is_empty() => Err(refused),
            _ => Ok(permitted),
        }
    }

    fn has_address(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(&address))
    }

    fn has_host(&self, host: &str) -> bool {
        self.hosts.contains(&canonical_host(host))
    }

    /// Why this address may not be connected to, if so.
    fn refuses(&self, address: IpAddr) -> Option<&'static str> {
        not_public(address).filter(|_| !self.has_address(address))
    }
}

impl FromStr for AllowList {
    type Err = BadEntry;

    /// Reads entries separated by commas or white space.
    fn from_str(text: &str) -> Result<Self, BadEntry> {
        Self::new(text.split([',', ' ', '\t', '\n']).filter(|entry| !entry.is_empty()))
    }
}

/// An entry of an [`AllowList`] that is neither a network, an address nor a host name.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("`{0}` is not a network such as 10.1.0.0/16, an address or a host name")]
pub struct BadEntry(String);

fn canonical_host(host: &str) -> String {
    host.trim_end_matches('.').to_ascii_lowercase()
}

/// Letters, digits, hyphens, underscores and dots; a last label of digits only would be read as an address in URLs.
fn is_host_name(text: &str) -> bool {
    let host = canonical_host(text);
    let is_label =
        |label: &str| !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    let last = host.rsplit('.').next().unwrap_or_default();
    host.len() <= 253 && host.split('.').all(is_label) && !last.bytes().all(|b| b.is_ascii_digit())
}

/// IPv4 addresses that are not somewhere on the public internet (IANA's special-purpose address registry).
const NOT_PUBLIC_V4: &[(Ipv4Net, &str)] = &[
    (v4(0, 0, 0, 0, 8), "unspecified"),
    (v4(10, 0, 0, 0, 8), "private"),
    (v4(100, 64, 0, 0, 10), "behind a carrier's address translation"),
    (v4(127, 0, 0, 0, 8), "loopback"),
    (v4(169, 254, 0, 0, 16), "link-local"),
    (v4(172, 16, 0, 0, 12), "private"),
    (v4(192, 0, 0, 0, 24), "reserved for protocols"),
    (v4(192, 0, 2, 0, 24), "for documentation"),
    (v4(192, 88, 99, 0, 24), "a relay anycast address"),
    (v4(192, 168, 0, 0, 16), "private"),
    (v4(198, 18, 0, 0, 15), "for benchmarks"),
    (v4(198, 51, 100, 0, 24), "for documentation"),
    (v4(203, 0, 113, 0, 24), "for documentation"),
    (v4(224, 0, 0, 0, 4), "multicast"),
    (v4(240, 0, 0, 0, 4), "reserved"),
];

/// The same for IPv6; outside [`GLOBAL_V6`] everything else is refused as well.
const NOT_PUBLIC_V6: &[(Ipv6Net, &str)] = &[
    (v6([0, 0, 0, 0, 0, 0, 0, 0], 128), "unspecified"),
    (v6([0, 0, 0, 0, 0, 0, 0, 1], 128), "loopback"),
    (v6([0, 0, 0, 0, 0, 0xffff, 0, 0], 96), "an IPv4 address in disguise"),
    (v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 23), "reserved for protocols"),
    (v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32), "for documentation"),
    (v6([0x2002, 0, 0, 0, 0, 0, 0, 0], 16), "an IPv4 address in disguise"),
    (v6([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20), "for documentation"),
    (v6([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7), "private"),
    (v6([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10), "link-local"),
    (v6([0xff00, 0, 0, 0, 0, 0, 0, 0], 8), "multicast"),
];

const GLOBAL_V6: Ipv6Net = v6([0x2000, 0, 0, 0, 0, 0, 0, 0], 3);

/// Where a network without IPv4 puts the IPv4 internet; such an address is as good as the one inside it.
const TRANSLATED_V4: Ipv6Net = v6([0x64, 0xff9b, 0, 0, 0, 0, 0, 0], 96);

const fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

const fn v6(s: [u16; 8], prefix: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7]), prefix)
}

/// What makes an address one that is not public, if so.
fn not_public(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(address) => {
            NOT_PUBLIC_V4.iter().find(|(network, _)| network.contains(&address)).map(|(_, why)| *why)
        }
        IpAddr::V6(address) if TRANSLATED_V4.contains(&address) => {
            let [.., a, b, c, d] = address.octets();
            not_public(IpAddr::V4(Ipv4Addr::new(a, b, c, d)))
        }
        IpAddr::V6(address) => NOT_PUBLIC_V6
            .iter()
            .find(|(network, _)| network.contains(&address))
            .map(|(_, why)| *why)
            .or((!GLOBAL_V6.contains(&address)).then_some("reserved")),
    }
}

/// Why a request is not made.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refused {
    /// Neither https, nor http to a host on the allow list.
    #[error("{host} may only be reached over https, unless it is on the allow list")]
    NotHttps {
        /// The host of the URL.
        host: String,
    },
    /// The URL names no host.
    #[error("the URL names no host")]
    NoHost,
    /// The address, or every address the name resolves to, is not public and not on the allow list.
    #[error("{host} leads to {address}, which is {why}, and is not on the allow list")]
    Address {
        /// The host of the URL.
        host: String,
        /// The address refused.
        address: IpAddr,
        /// What kind of address it is.
        why: &'static str,
    },
}

impl Refused {
    /// Finds the refusal behind an error of a request: a name is only known to be refused once it is resolved.
    pub fn behind<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a Refused> {
        std::iter::successors(Some(error), |&error| error.source()).find_map(|error| error.downcast_ref())
    }
}

/// A server could not be found, or is where connections may not lead.
#[derive(Debug, thiserror::Error)]
pub enum Unreachable {
    /// The name is not known.
    #[error("`{host}` is not found: {cause}")]
    Unknown {
        /// The name.
        host: String,
        /// What the resolver says.
        cause: std::io::Error,
    },
    /// It may not be connected to.
    #[error(transparent)]
    Refused(#[from] Refused),
}

/// How often a connection of HTTP/2 alone is tried while an answer is awaited, and how long that may take.
const PING: Duration = Duration::from_secs(10);

/// How a [`GuardedClient`] is to behave.
#[derive(Clone, Debug)]
pub struct GuardOptions {
    /// What may be reached besides public addresses over https.
    pub allow: AllowList,
    /// How long a connection may take, with resolving the name and TLS. Default 10 s.
    pub connect_timeout: Duration,
    /// How long an answer may stay silent between two pieces. Default 60 s. There is no limit on a whole answer,
    /// because streams have none; set one for each ordinary request with `RequestBuilder::timeout`.
    pub idle_timeout: Duration,
    /// Authorities trusted besides the public ones.
    pub extra_roots: Vec<CertificateDer<'static>>,
    /// Whether HTTP/2 is spoken and nothing else, also where there is no TLS to agree on it. Default: what the server
    /// prefers.
    pub http2_only: bool,
    /// Who we are, where a server asks for a certificate.
    pub identity: Option<ClientIdentity>,
}

/// A certificate with which we show who we are, and its private key.
#[derive(Clone)]
pub struct ClientIdentity {
    chain: Vec<CertificateDer<'static>>,
    key: Arc<PrivateKeyDer<'static>>,
}

impl ClientIdentity {
    /// An identity of certificates in DER, our own first, and the private key in PKCS #8. Whether they are usable and
    /// belong together is found out when a client is made of it.
    pub fn new(chain: Vec<Vec<u8>>, pkcs8: Vec<u8>) -> Self {
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(pkcs8));
        Self { chain: chain.into_iter().map(CertificateDer::from).collect(), key: Arc::new(key) }
    }
}

impl std::fmt::Debug for ClientIdentity {
    /// Without the key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ClientIdentity({} certificates)", self.chain.len())
    }
}

impl Default for GuardOptions {
    fn default() -> Self {
        Self {
            allow: AllowList::default(),
            connect_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(60),
            extra_roots: Vec::new(),
            http2_only: false,
            identity: None,
        }
    }
}

/// The client could not be made.
#[derive(Debug, thiserror::Error)]
pub enum GuardError {
    /// An extra authority or our own certificate is not usable, or TLS cannot be set up.
    #[error("TLS could not be set up")]
    Tls(#[from] rustls::Error),
    /// The HTTP client refused its configuration.
    #[error("the HTTP client could not be set up")]
    Client(#[from] reqwest::Error),
}

/// An HTTP client that only goes where it may. Cheap to clone; clones share their connections.
#[derive(Clone, Debug)]
pub struct GuardedClient {
    http: Client,
    allow: Arc<AllowList>,
}

impl GuardedClient {
    /// A client that resolves names as the operating system does.
    pub fn new(options: GuardOptions) -> Result<Self, GuardError> {
        Self::with_resolver(options, Arc::new(SystemResolver))
    }

    /// A client that resolves names with `resolver`; its answers are checked like any other.
    pub fn with_resolver(options: GuardOptions, resolver: Arc<dyn Resolve>) -> Result<Self, GuardError> {
        let allow = Arc::new(options.allow);
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        for root in options.extra_roots {
            roots.add(root)?;
        }
        let tls = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots);
        let mut tls = match options.identity {
            Some(ClientIdentity { chain, key }) => tls.with_client_auth_cert(chain, key.clone_key())?,
            None => tls.with_no_client_auth(),
        };
        tls.alpn_protocols = vec![b"h2".to_vec()];
        let mut builder = Client::builder();
        if options.http2_only {
            // One connection serves for long: a dead one is to be noticed while somebody waits on it.
            builder = builder.http2_prior_knowledge().http2_keep_alive_interval(PING).http2_keep_alive_timeout(PING);
        } else {
            tls.alpn_protocols.push(b"http/1.1".to_vec());
        }
        let http = builder
            .tls_backend_preconfigured(tls)
            .dns_resolver(Arc::new(GuardedResolver { resolver, allow: Arc::clone(&allow) }))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .connect_timeout(options.connect_timeout)
            .read_timeout(options.idle_timeout)
            .user_agent(concat!("allclear/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { http, allow })
    }

    /// Starts a request, unless the URL itself is refused. A name that leads where it may not is refused when the
    /// request is sent; [`Refused::behind`] tells that apart from other errors.
    pub fn request(&self, method: Method, url: Url) -> Result<RequestBuilder, Refused> {
        self.allow.check(&url)?;
        Ok(self.http.request(method, url))
    }
}

/// Lets only those addresses of a name through that may be connected to.
struct GuardedResolver {
    resolver: Arc<dyn Resolve>,
    allow: Arc<AllowList>,
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let host = name.as_str().to_owned();
        let resolving = self.resolver.resolve(name);
        let allow = Arc::clone(&self.allow);
        Box::pin(async move {
            let permitted = allow.permitted(&host, resolving.await?)?;
            Ok(Box::new(permitted.into_iter()) as Addrs)
        })
    }
}

/// Resolves names as the operating system does, without blocking.
struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            // The port comes from the URL later.
            let addresses: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

/// The body of an answer could not be read.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// It is longer than the caller wants.
    #[error("the answer is longer than {max} bytes")]
    TooLarge {
        /// The limit, in bytes.
        max: usize,
    },
    /// The connection broke.
    #[error("the answer broke off")]
    Transport(#[from] reqwest::Error),
}

/// Reads the body of an answer, at most `max` bytes of it; a longer one is an error and is not read to its end.
pub async fn read_body(mut response: Response, max: usize) -> Result<Vec<u8>, BodyError> {
    if response.content_length().is_some_and(|length| length > max as u64) {
        return Err(BodyError::TooLarge { max });
    }
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await? {
        if piece.len() > max - body.len() {
            return Err(BodyError::TooLarge { max });
        }
        body.extend_from_slice(&piece);
    }
    Ok(body)
}

#[cfg(test)]
mod tests;
