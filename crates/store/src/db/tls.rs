//! PostgreSQL URLs and TLS: rustls with the web's roots, and the file the URL names.

use std::sync::Arc;

use percent_encoding::percent_decode_str;
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};
use tokio_postgres::{Config, config::SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::Error;

/// Reads a URL. `sslrootcert=FILE` adds roots; `sslmode` may also be `verify-ca` or `verify-full`, which mean
/// `require`, as is meant when there is a `sslrootcert`: wherever TLS is used, certificate and host name are checked.
pub(super) fn parse(url: &str) -> Result<(Config, MakeRustlsConnect), Error> {
    let (base, query) = url.split_once('?').unwrap_or((url, ""));
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let mut kept = String::new();
    for parameter in query.split('&').filter(|p| !p.is_empty()) {
        let parameter = match parameter.split_once('=') {
            Some(("sslrootcert", file)) => {
                let file = percent_decode_str(file).decode_utf8();
                add_roots(&mut roots, &file.map_err(|_| Error::Options("sslrootcert is not UTF-8".to_owned()))?)?;
                continue;
            }
            Some(("sslmode", "verify-ca" | "verify-full")) => "sslmode=require",
            _ => parameter,
        };
        kept.push(if kept.is_empty() { '?' } else { '&' });
        kept.push_str(parameter);
    }
    let mut config: Config = format!("{base}{kept}").parse()?;
    // Whoever names the roots means them to be used.
    if query.contains("sslrootcert=") && !query.contains("sslmode=") {
        config.ssl_mode(SslMode::Require);
    }
    let tls = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|e| Error::Tls(e.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok((config, MakeRustlsConnect::new(tls)))
}

fn add_roots(roots: &mut RootCertStore, file: &str) -> Result<(), Error> {
    let failed = |e: &dyn std::fmt::Display| Error::Tls(format!("{file}: {e}"));
    let mut added = 0;
    for certificate in CertificateDer::pem_file_iter(file).map_err(|e| failed(&e))? {
        roots.add(certificate.map_err(|e| failed(&e))?).map_err(|e| failed(&e))?;
        added += 1;
    }
    if added == 0 { Err(failed(&"holds no certificate")) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    #[test]
    fn urls() {
        let (config, _) = parse("postgres://u:p@h/d?sslmode=verify-full&connect_timeout=3").unwrap();
        assert_eq!((config.get_ssl_mode(), config.get_dbname()), (SslMode::Require, Some("d")));
        assert_eq!(config.get_connect_timeout(), Some(&std::time::Duration::from_secs(3)));
        assert!(parse("postgres://h/d?nonsense=1").is_err());
        assert!(
            matches!(parse("postgres://h/d?sslrootcert=%2Fnone.pem"), Err(Error::Tls(e)) if e.starts_with("/none.pem: "))
        );
        assert!(matches!(parse("postgres://h/d?sslrootcert=%ff"), Err(Error::Options(_))));
    }

    #[test]
    fn roots_are_read_from_a_file() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("no certificates.pem");
        std::fs::write(&file, "hello").unwrap();
        let url = format!("postgres://h/d?sslrootcert={}", file.display()).replace(' ', "%20");
        assert!(matches!(parse(&url), Err(Error::Tls(e)) if e.ends_with("holds no certificate")));
    }
}
