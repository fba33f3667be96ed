//! The API behind a gate: another process over HTTP, or a service in this one.

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, HeaderValue, Method, Request, Response, Uri, header};
use http_body_util::{BodyExt, Full};
use tower::{Service, ServiceExt};

use crate::response::{self, Body, BodyError};
use crate::transport::{self, HttpClient, TransportError};

/// Where a call goes once it may. Cheap to clone.
#[derive(Clone)]
pub struct Upstream(Arc<Kind>);

enum Kind {
    Http { client: Box<HttpClient>, scheme: Scheme, authority: Authority },
    Service(InProcess),
}

type InProcess = Box<dyn Fn(Request<Body>) -> Answering + Send + Sync>;
type Answering = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

/// An upstream address that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    /// Not scheme, host and port alone.
    #[error("`{0}` is not an upstream; give scheme, host and port, as in http://127.0.0.1:3000")]
    Address(String),
    /// No client could be made.
    #[error(transparent)]
    Transport(#[from] TransportError),
}

/// The upstream gave no answer; what the peer sees is a 503.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SendError {
    #[error("no answer within {} s", ANSWER_TIMEOUT.as_secs())]
    Late,
    #[error("{0}")]
    Connection(#[from] hyper_util::client::legacy::Error),
    #[error("cannot write the request: {0}")]
    Request(#[from] http::Error),
}

/// A call as it is sent on.
pub(crate) struct Call {
    pub(crate) method: Method,
    /// Path and query, normalised.
    pub(crate) target: PathAndQuery,
    pub(crate) host: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// How long an upstream may think before its answer begins.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

impl Upstream {
    /// An API at an address such as `http://127.0.0.1:3000`. With HTTPS it is trusted by the certificates in
    /// `ca_file` alone, or without one by the public CAs.
    pub fn http(address: &str, ca_file: Option<&Path>) -> Result<Self, UpstreamError> {
        let wrong = || UpstreamError::Address(address.to_owned());
        let parts = address.parse::<Uri>().map_err(|_| wrong())?.into_parts();
        let bare = parts.path_and_query.is_none_or(|path| path.as_str() == "/");
        match (parts.scheme, parts.authority) {
            (Some(scheme), Some(authority))
                if bare && !authority.as_str().contains('@') && (scheme == Scheme::HTTP || scheme == Scheme::HTTPS) =>
            {
                Ok(Self(Arc::new(Kind::Http { client: Box::new(transport::client(ca_file)?), scheme, authority })))
            }
            _ => Err(wrong()),
        }
    }

    /// An API in this process.
    pub fn service<S, B>(service: S) -> Self
    where
        S: Service<Request<Body>, Response = Response<B>, Error = Infallible> + Clone + Send + Sync + 'static,
        S::Future: Send + 'static,
        B: hyper::body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BodyError>,
    {
        let boxed =
            service.map_response(|answer: Response<B>| answer.map(|body| body.map_err(Into::into).boxed_unsync()));
        Self(Arc::new(Kind::Service(Box::new(move |request| Box::pin(boxed.clone().oneshot(request))))))
    }

    pub(crate) async fn send(&self, call: Call) -> Result<Response<Body>, SendError> {
        let Call { method, target, host, headers, body } = call;
        let mut request = Request::new(body);
        *request.method_mut() = method;
        *request.headers_mut() = headers;
        match &*self.0 {
            Kind::Http { client, scheme, authority } => {
                *request.uri_mut() = Uri::builder()
                    .scheme(scheme.clone())
                    .authority(authority.clone())
                    .path_and_query(target)
                    .build()?;
                // An upstream with several names serves the one that was configured, not one that a client picks.
                request
                    .headers_mut()
                    .insert(header::HOST, HeaderValue::try_from(authority.as_str()).map_err(http::Error::from)?);
                let sent = client.request(request.map(Full::new));
                let answer = tokio::time::timeout(ANSWER_TIMEOUT, sent).await.map_err(|_| SendError::Late)??;
                Ok(answer.map(|body| body.map_err(Into::into).boxed_unsync()))
            }
            Kind::Service(service) => {
                *request.uri_mut() = Uri::from(target);
                request.headers_mut().insert(header::HOST, HeaderValue::try_from(host).map_err(http::Error::from)?);
                match service(request.map(response::full)).await {
                    Ok(answer) => Ok(answer),
                    Err(never) => match never {},
                }
            }
        }
    }
}

impl fmt::Debug for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Kind::Http { scheme, authority, .. } => write!(f, "Upstream({scheme}://{authority})"),
            Kind::Service(_) => f.write_str("Upstream(in this process)"),
        }
    }
}
