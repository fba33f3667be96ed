//! The HTTP client of a gate: pooled connections to a realm or an upstream, with TLS by rustls.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::CACHE_CONTROL;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore, crypto};
use tokio::time::timeout;

/// A client whose requests have their whole body in memory.
pub type HttpClient = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a realm may take to say something of itself.
const DOCUMENT_TIMEOUT: Duration = Duration::from_secs(2);
/// The most bytes that such a document may have.
const DOCUMENT_LIMIT: usize = 256 * 1024;

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

/// Makes a client that trusts the certificates in `ca_file` and no others, or without one the public CAs. It follows no
/// redirect.
///
/// # Errors
/// The file holds no certificate that can be read.
pub fn client(ca_file: Option<&Path>) -> Result<HttpClient, TransportError> {
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

/// Why a realm's document could not be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FetchError {
    #[error("no answer within {} s", DOCUMENT_TIMEOUT.as_secs())]
    Late,
    #[error("status {0}")]
    Status(StatusCode),
    #[error("cannot reach the realm: {0}")]
    Connection(#[from] hyper_util::client::legacy::Error),
    #[error("cannot read the answer: {0}")]
    Body(Box<dyn std::error::Error + Send + Sync>),
}

/// Fetches a document that a realm has at an address: headers and body of its 200.
pub(crate) async fn fetch(
    client: &HttpClient,
    request: Request<Full<Bytes>>,
) -> Result<(HeaderMap, Bytes), FetchError> {
    let whole = async {
        let answer = client.request(request).await?;
        if answer.status() != StatusCode::OK {
            return Err(FetchError::Status(answer.status()));
        }
        let (parts, body) = answer.into_parts();
        let body = Limited::new(body, DOCUMENT_LIMIT).collect().await.map_err(FetchError::Body)?.to_bytes();
        Ok((parts.headers, body))
    };
    timeout(DOCUMENT_TIMEOUT, whole).await.unwrap_or(Err(FetchError::Late))
}

/// How long an answer may be kept: `max-age` of its `Cache-Control` (RFC 9111 §5.2.2.1).
pub fn max_age(headers: &HeaderMap) -> Option<Duration> {
    let values = headers.get_all(CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
    let mut directives = values.flat_map(|value| value.split(',')).filter_map(|one| one.trim().split_once('='));
    let (_, secs) = directives.find(|(name, _)| name.eq_ignore_ascii_case("max-age"))?;
    secs.trim_matches('"').parse().ok().map(Duration::from_secs)
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

    #[test]
    fn how_long_an_answer_may_be_kept() {
        for (value, expected) in [
            ("public, max-age=300", Some(300)),
            ("MAX-AGE=\"7\"", Some(7)),
            ("s-maxage=9, no-cache", None),
            ("max-age=soon", None),
            ("", None),
        ] {
            let headers = HeaderMap::from_iter([(CACHE_CONTROL, value.parse().unwrap())]);
            assert_eq!(max_age(&headers), expected.map(Duration::from_secs), "{value}");
        }
        assert_eq!(max_age(&HeaderMap::new()), None);
    }
}
