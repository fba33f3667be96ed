//! Sending a request: pooled connections over hyper, with TLS by rustls.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Body, Incoming};
use hyper::ext::ReasonPhrase;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use jeton_core::secret::Secret;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore, crypto};

use crate::flow::{Request, Response};

/// Sends requests to APIs and issuers. It follows no redirect: a secret goes where the profile says, and nowhere else.
#[derive(Debug)]
pub struct Transport(Client<HttpsConnector<HttpConnector>, UnsyncBoxBody<Bytes, BodyError>>);

/// What can go wrong in a body that is being sent.
pub type BodyError = Box<dyn std::error::Error + Send + Sync>;

/// Why there is no answer.
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
    /// Nobody answers there.
    #[error("cannot reach {authority}: {cause}")]
    Connection {
        /// Host and port.
        authority: String,
        /// What the system said.
        cause: String,
    },
    /// It took too long.
    #[error("no answer from {authority} within {} s", TIMEOUT.as_secs())]
    Late {
        /// Host and port.
        authority: String,
    },
    /// A value cannot stand in an HTTP message.
    #[error("cannot write the request: {0}")]
    Request(#[from] http::Error),
    /// The answer broke off or is too long.
    #[error("cannot read the answer: {0}")]
    Body(BodyError),
}

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const TIMEOUT: Duration = Duration::from_secs(30);
/// Longer than any answer to a sign-in.
const LONGEST_ANSWER: usize = 1024 * 1024;

impl Transport {
    /// Trusts the certificates in `ca_file` and no others, or without one the public CAs.
    ///
    /// # Errors
    /// The file holds no certificate that can be read.
    pub fn new(ca_file: Option<&Path>) -> Result<Self, TransportError> {
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
        // HTTP/1.1 alone: HTTP/2 has no reason phrase, in which some APIs say no.
        let connector = builder.https_or_http().enable_http1().wrap_connector(tcp);
        Ok(Self(Client::builder(TokioExecutor::new()).build(connector)))
    }

    /// Sends a request and reads the whole answer.
    ///
    /// # Errors
    /// There is no answer, for lack of a connection or of time.
    pub async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let Request { method, url, headers, body, asked: _ } = request;
        let mut builder = http::Request::builder().method(method).uri(url);
        for (name, value) in headers {
            builder = builder.header(name, value);
        }
        let request = builder.body(Full::new(Bytes::copy_from_slice(body.expose().as_bytes())))?;
        let authority = request.uri().authority().map(ToString::to_string).unwrap_or_default();
        let answer = async {
            let (head, body) = self.stream(request).await?.into_parts();
            let body = Limited::new(body, LONGEST_ANSWER).collect().await.map_err(TransportError::Body)?.to_bytes();
            let phrase = head.extensions.get::<ReasonPhrase>();
            Ok(Response {
                status: head.status.as_u16(),
                reason_phrase: phrase.map(|phrase| String::from_utf8_lossy(phrase.as_bytes()).into_owned()),
                headers: head.headers,
                body: Secret::new(body.to_vec()),
            })
        };
        match tokio::time::timeout(TIMEOUT, answer).await {
            Ok(answer) => answer,
            Err(_) => Err(TransportError::Late { authority: authority.clone() }),
        }
    }

    /// Sends a call whose body may still be coming in, and returns as soon as its answer begins. There is no limit of
    /// time or length: who makes the call knows how long it waits.
    ///
    /// # Errors
    /// There is no connection, or it broke before the answer began.
    pub async fn stream<B>(&self, request: http::Request<B>) -> Result<http::Response<Incoming>, TransportError>
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BodyError>,
    {
        let authority = request.uri().authority().map(ToString::to_string).unwrap_or_default();
        let sent = self.0.request(request.map(|body| body.map_err(Into::into).boxed_unsync()));
        sent.await.map_err(|error| TransportError::Connection { authority, cause: innermost(&error) })
    }
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

/// The cause that tells most: `client error (Connect)` alone tells nothing.
fn innermost(error: &dyn std::error::Error) -> String {
    std::iter::successors(Some(error), |error| error.source()).last().map(ToString::to_string).unwrap_or_default()
}
