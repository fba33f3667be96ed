//! What an API behind a gate of its own says of itself (RFC 9728): whose tokens it takes.
//!
//! Whose they are is the realm's issuer, which the realm is asked for each time: it may be another address than the one
//! that the gate reaches the realm by, and nobody has to write it down twice.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri};
use http_body_util::Full;
use jeton_core::wire::protected_resource;
use serde::Deserialize;

use crate::introspection::{self, IntrospectionError};
use crate::response::{self, Body};
use crate::transport::{self, FetchError, HttpClient};

/// The metadata of one API.
#[derive(Debug)]
pub struct ProtectedResource {
    identifier: String,
    /// Where the document is: the whole address, and its path.
    address: String,
    path: String,
    /// Where the realm says who it is (OpenID Connect Discovery §4).
    configuration: Uri,
    client: HttpClient,
}

/// An API that cannot be said anything of.
#[derive(Debug, thiserror::Error)]
pub enum ResourceError {
    /// It is called by no address.
    #[error("`{0}` is no identifier of an API; give the address that it is called at, such as https://api.example.org")]
    Identifier(String),
    /// The realm cannot be asked.
    #[error(transparent)]
    Realm(#[from] IntrospectionError),
}

/// Why the issuer is not known.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error(transparent)]
    Fetch(#[from] FetchError),
    #[error("cannot write the request: {0}")]
    Request(#[from] http::Error),
    #[error("the realm's metadata names no issuer")]
    NoIssuer,
}

/// What matters of a realm's metadata (RFC 8414 §2).
#[derive(Deserialize)]
struct Configuration {
    issuer: String,
}

const RETRY: Duration = Duration::from_secs(1);

impl ProtectedResource {
    /// The metadata of the API with this identifier, `https://HOST/PATH`, which takes tokens of the realm at the address
    /// `realm`. Nothing is sent before somebody asks.
    ///
    /// # Errors
    /// One of the addresses is none, or the CA file cannot be read.
    pub fn new(identifier: &str, realm: &str, ca_file: Option<&Path>) -> Result<Self, ResourceError> {
        let places = protected_resource::address(identifier).zip(protected_resource::host_and_path(identifier));
        let (address, (_, path)) = places.ok_or_else(|| ResourceError::Identifier(identifier.to_owned()))?;
        let configuration = format!("{}/.well-known/openid-configuration", realm.trim_end_matches('/'));
        Ok(Self {
            identifier: identifier.to_owned(),
            address,
            path,
            configuration: introspection::address(&configuration)?,
            client: transport::client(ca_file).map_err(IntrospectionError::Transport)?,
        })
    }

    /// Where it is, for challenges to name (RFC 9728 §5.1).
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Whether a call asks for it. It is for everybody, whatever the gate's rules say.
    pub fn is_asked_for<B>(&self, call: &Request<B>) -> bool {
        matches!(*call.method(), Method::GET | Method::HEAD) && call.uri().path() == self.path
    }

    /// The document; 503 where the realm cannot be asked who it is.
    pub async fn answer(&self) -> Response<Body> {
        let issuer = match self.issuer().await {
            Ok(issuer) => issuer,
            Err(fault) => {
                tracing::error!(%fault, "the API's metadata cannot be said: the realm does not say who it is");
                let mut answer = response::empty(StatusCode::SERVICE_UNAVAILABLE);
                answer.headers_mut().insert(RETRY_AFTER, RETRY.as_secs().into());
                return answer;
            }
        };
        // `jeton gate` listens without TLS: it sees no certificate.
        let document = protected_resource::document(&self.identifier, &issuer, false);
        let mut answer = Response::new(response::full(document));
        let headers = answer.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache, must-revalidate"));
        // Like a realm's own documents, it is for every page (security.md A14).
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        answer
    }

    async fn issuer(&self) -> Result<String, Fault> {
        let request = Request::get(self.configuration.clone()).header(ACCEPT, "application/json");
        let (_, body) = transport::fetch(&self.client, request.body(Full::<Bytes>::default())?).await?;
        let configuration: Configuration = serde_json::from_slice(&body).map_err(|_| Fault::NoIssuer)?;
        Some(configuration.issuer).filter(|issuer| !issuer.is_empty()).ok_or(Fault::NoIssuer)
    }
}
