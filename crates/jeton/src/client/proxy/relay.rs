//! A call on its way to the API and the answer on its way back.

use std::time::Duration;

use anyhow::Context;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::Request;
use axum::response::Response;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, COOKIE, HOST, LOCATION, SET_COOKIE, TRANSFER_ENCODING};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode};
use jeton_client::transport::Transport;
use jeton_client::{Clock, Error, Token, TokenSource};
use jeton_core::dialect::Carrier;
use jeton_core::time::Timestamp;
use jeton_gate::{headers, query};
use tokio::sync::Mutex;

use super::caller;
use crate::client::call::Call;
use crate::client::{exit_status, valid};
use crate::local::print::say;

/// One API, and how calls to it get their token.
pub(super) struct Relay {
    source: TokenSource,
    transport: Transport,
    /// Where a call may show a token: what a caller puts there is taken away.
    carriers: Vec<Carrier>,
    clock: Clock,
    /// When a token was last replaced because the API refused it.
    replaced_at: Mutex<Option<Timestamp>>,
}

/// A body of at most this many bytes is kept, so that the call can be made again.
const REPLAYABLE: usize = 1024 * 1024;
/// An API that refuses new tokens too has another reason, and asking for more would not help.
const BETWEEN_REPLACEMENTS: Duration = Duration::from_secs(30);

impl Relay {
    pub(super) fn new(source: TokenSource) -> anyhow::Result<Self> {
        let transport = Transport::new(source.profile().ca_file.as_deref()).map_err(Error::from)?;
        let shows = source.profile().load_dialect()?.map(|dialect| dialect.shows).unwrap_or_default();
        let carriers = shows.iter().flat_map(|show| show.carriers()).collect();
        Ok(Self { source, transport, carriers, clock: Clock::system(), replaced_at: Mutex::default() })
    }

    /// Answers one call.
    pub(super) async fn handle(&self, request: Request) -> Response {
        if let Err(stranger) = caller::check(request.uri(), request.headers()) {
            return told(StatusCode::FORBIDDEN, stranger.advice());
        }
        match self.relay(request).await {
            Ok(answer) => answer,
            Err(error) => {
                say(&format!("error: {error:#}"));
                let later = exit_status(&error) == 4;
                told(
                    if later { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::BAD_GATEWAY },
                    &format!("{error:#}"),
                )
            }
        }
    }

    async fn relay(&self, request: Request) -> anyhow::Result<Response> {
        let (mut head, body) = request.into_parts();
        let replayable = is_replayable(&head.headers);
        headers::remove_hop_by_hop(&mut head.headers);
        headers::remove_token(&mut head.headers, &self.carriers, None);
        head.headers.remove(HOST);
        let token = valid(&self.source).await?;
        if !replayable {
            return self.send(&head, body, &token).await;
        }
        let kept = to_bytes(body, REPLAYABLE).await.context("the call's body broke off")?;
        let answer = self.send(&head, full(&kept), &token).await?;
        if answer.status() == StatusCode::UNAUTHORIZED
            && let Some(token) = self.replacement(&token).await
        {
            return self.send(&head, full(&kept), &token).await;
        }
        Ok(answer)
    }

    /// Another token than the one that was refused, if one can be had.
    async fn replacement(&self, refused: &Token) -> Option<Token> {
        let mut replaced_at = self.replaced_at.lock().await;
        let current = valid(&self.source).await.ok()?;
        if current.access != refused.access {
            return Some(current);
        }
        let now = self.clock.now();
        if replaced_at.is_some_and(|at| now.since(at) < BETWEEN_REPLACEMENTS) {
            return None;
        }
        *replaced_at = Some(now);
        match self.source.refresh().await {
            Ok(token) => Some(token),
            Err(error) => {
                say(&format!("warning: the API refuses the token, and there is no other: {error}"));
                None
            }
        }
    }

    async fn send(&self, head: &Parts, body: Body, token: &Token) -> anyhow::Result<Response> {
        let target = self.without_token(head.uri.path_and_query().map_or("/", |target| target.as_str()));
        let call = Call::new(&self.source, token, &head.method, &target)?;
        let mut request = http::Request::new(body);
        *request.method_mut() = head.method.clone();
        *request.uri_mut() = call.url(&target).parse().context("the call's address is none")?;
        *request.headers_mut() = head.headers.clone();
        for (name, value) in call.headers {
            let value = match request.headers().get(&name).filter(|_| name == COOKIE) {
                // RFC 6265 §5.4: one line for all cookies.
                Some(others) => HeaderValue::from_bytes(&[others.as_bytes(), b"; ", value.as_bytes()].concat())?,
                None => value,
            };
            request.headers_mut().insert(name, value);
        }
        let answer = self.transport.stream(request).await.map_err(Error::from)?;
        let mut answer = answer.map(Body::new);
        headers::remove_hop_by_hop(answer.headers_mut());
        self.keep_here(answer.headers_mut());
        self.keep_cookies(answer.headers_mut());
        Ok(answer)
    }

    /// A path and query without what shows a token.
    fn without_token(&self, target: &str) -> String {
        let Some((path, query)) = target.split_once('?') else { return target.to_owned() };
        let is_carrier =
            |name: &str| self.carriers.iter().any(|c| matches!(c, Carrier::Query(carrier) if carrier == name));
        match query::without(query, |name, _| is_carrier(name)) {
            Some(query) => format!("{path}?{query}"),
            None => path.to_owned(),
        }
    }

    /// A cookie that shows the token is not the caller's.
    fn keep_cookies(&self, headers: &mut HeaderMap) {
        let shows_token = |cookie: &HeaderValue| {
            let name = cookie.as_bytes().split(|byte| *byte == b'=').next().unwrap_or_default().trim_ascii();
            self.carriers.iter().any(|c| matches!(c, Carrier::Cookie(carrier) if carrier.as_bytes() == name))
        };
        let kept: Vec<HeaderValue> =
            headers.get_all(SET_COOKIE).iter().filter(|cookie| !shows_token(cookie)).cloned().collect();
        headers.remove(SET_COOKIE);
        for cookie in kept {
            headers.append(SET_COOKIE, cookie);
        }
    }

    /// A redirect within the API leads through this proxy again, where the token is.
    fn keep_here(&self, headers: &mut HeaderMap) {
        let base = self.source.profile().url.trim_end_matches('/');
        let location = headers.get(LOCATION).and_then(|location| location.to_str().ok());
        let path = location.and_then(|location| location.strip_prefix(base)).filter(|path| path.starts_with('/'));
        if let Some(path) = path.and_then(|path| HeaderValue::from_str(&self.without_token(path)).ok()) {
            headers.insert(LOCATION, path);
        }
    }
}

/// Whether the body is there whole in a moment: none, or a short one of known length.
fn is_replayable(headers: &HeaderMap) -> bool {
    if headers.contains_key(TRANSFER_ENCODING) {
        return false;
    }
    let length = headers.get(CONTENT_LENGTH).map(|length| length.to_str().ok().and_then(|length| length.parse().ok()));
    length.is_none_or(|length| length.is_some_and(|length: usize| length <= REPLAYABLE))
}

fn full(bytes: &Bytes) -> Body {
    Body::from(bytes.clone())
}

fn told(status: StatusCode, text: &str) -> Response {
    let mut response = Response::new(Body::from(format!("jeton proxy: {text}\n")));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}
