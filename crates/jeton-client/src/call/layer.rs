//! For tower: a layer that adds the token.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response, StatusCode};
use tower_layer::Layer;
use tower_service::Service;

use crate::source::TokenSource;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A [`tower_layer::Layer`] that adds the token of one profile to every call of an HTTP client.
///
/// After an answer of 401 it gets another token before it passes the answer on: whoever repeats the call, such as
/// tower's `Retry` around it, has that one. It repeats none itself, since a body may be good for one reading.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
/// use std::sync::Arc;
///
/// use http_body_util::Empty;
/// use hyper::body::Bytes;
/// use hyper_util::client::legacy::Client;
/// use hyper_util::rt::TokioExecutor;
/// use jeton_client::call::AddTokenLayer;
/// use jeton_client::{Clock, Profiles, TokenSource};
/// use tower::{Layer, Service, ServiceExt};
///
/// let profiles = Profiles::at("/home/ada/.config/jeton");
/// let source = Arc::new(TokenSource::open(&profiles, "meadow", Clock::system())?);
/// let plain = Client::builder(TokioExecutor::new()).build_http::<Empty<Bytes>>();
///
/// let mut client = AddTokenLayer::new(source).layer(plain);
/// let call = http::Request::get("http://127.0.0.1:8080/sheep").body(Empty::new())?;
/// let answer = client.ready().await?.call(call).await?;
/// # let _status = answer.status();
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct AddTokenLayer(Arc<TokenSource>);

/// An HTTP client that adds a token; made by [`AddTokenLayer`].
#[derive(Clone, Debug)]
pub struct AddToken<S> {
    source: Arc<TokenSource>,
    inner: S,
}

impl AddTokenLayer {
    /// Adds the token of this source.
    pub fn new(source: Arc<TokenSource>) -> Self {
        Self(source)
    }
}

impl<S> Layer<S> for AddTokenLayer {
    type Service = AddToken<S>;

    fn layer(&self, inner: S) -> AddToken<S> {
        AddToken { source: Arc::clone(&self.0), inner }
    }
}

impl<S, B, A> Service<Request<B>> for AddToken<S>
where
    S: Service<Request<B>, Response = Response<A>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Into<BoxError>,
    B: Send + 'static,
    A: Send + 'static,
{
    type Response = Response<A>;
    /// The client's own error, or [`Error`](crate::Error) if there is no token.
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Response<A>, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, call: Request<B>) -> Self::Future {
        // The one that is ready is used, and its copy has to become ready first.
        let copy = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, copy);
        let source = Arc::clone(&self.source);
        Box::pin(async move {
            let token = source.token().await?.token;
            let (mut head, body) = call.into_parts();
            source.add_to(&token, &head.method, &mut head.uri, &mut head.headers)?;
            let answer = inner.call(Request::from_parts(head, body)).await.map_err(Into::into)?;
            source.keep_from(&token, answer.status(), answer.headers()).await?;
            if answer.status() == StatusCode::UNAUTHORIZED {
                // Without another token this one's refusal is the answer.
                let _kept = source.replace(&token).await;
            }
            Ok(answer)
        })
    }
}
