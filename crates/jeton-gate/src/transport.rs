//! The HTTP client of a gate: pooled connections to a realm or an upstream, with TLS by rustls.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore, crypto};

/// A client whose requests have their whole body in memory.
pub(crate) type HttpClient = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// Why no client could be made.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// The file of trusted certificates cannot be read.
    #[error("cannot read the CA certificates in {file}: {cause}; give a PEM file")]
    CaFile {
        /// The file.
        file: String,
        /// What is wrong with it.
        cause: String,
    },
    /// rustls refuses its own settings.
    #[error("cannot set up TLS: {0}")]
    Tls(#[from] rustls::Error),
}

/// Makes a client that trusts the certificates in `ca_file` and no others, or without one the public CAs.
pub(crate) fn client(ca_file: Option<&Path>) -> Result<HttpClient, TransportError> {
    let provider = Arc::new(crypto::aws_lc_rs::default_provider());
    let builder = match ca_file {
        Some(file) => {
            let tls = ClientConfig::builder_with_provider(provider)
                .with_safe_default_protocol_versions()?
                .with_root_certificates(roots(file)?)
                .with_no_client_auth();
            HttpsConnectorBuilder::new().with_tls_config(tls)
        }
        None => HttpsConnectorBuilder::new().with_provider_and_webpki_roots(provider)?,
    };
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
    let connector = builder.https_or_http().enable_http1().wrap_connector(tcp);
    Ok(Client::builder(TokioExecutor::new())
        .pool_idle_timeout(IDLE_TIMEOUT)
        .pool_timer(TokioTimer::new())
        .build(connector))
}

fn roots(file: &Path) -> Result<RootCertStore, TransportError> {
    let wrong = |cause: String| TransportError::CaFile { file: file.display().to_string(), cause };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(file).map_err(|error| wrong(error.to_string()))? {
        let certificate = certificate.map_err(|error| wrong(error.to_string()))?;
        roots.add(certificate).map_err(|error| wrong(error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(wrong("it holds no certificate".to_owned()));
    }
    Ok(roots)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ca_file_that_is_none_is_named() {
        for (file, part) in [("/nonexistent/ca.pem", "/nonexistent/ca.pem"), ("Cargo.toml", "no certificate")] {
            let error = client(Some(Path::new(file))).map(|_| ()).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
        assert!(client(None).is_ok());
    }
}
