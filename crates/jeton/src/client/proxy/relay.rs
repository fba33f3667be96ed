//! A call on its way to the API and the answer on its way back.

use anyhow::Context;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::Request;
use axum::response::Response;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST, LOCATION, SET_COOKIE, TRANSFER_ENCODING};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode, Uri};
use jeton_client::transport::Transport;
use jeton_client::{Error, Token, TokenSource};
use jeton_core::dialect::Carrier;
use jeton_gate::{headers, query};

use super::caller;
use crate::client::{exit_status, valid};
use crate::local::print::say;

/// One API, and how calls to it get their token.
pub(super) struct Relay {
    source: TokenSource,
    transport: Transport,
    /// Where a call may show a token: what a caller puts there is taken away.
    carriers: Vec<Carrier>,
}

/// A body of at most this many bytes is kept, so that the call can be made again.
const REPLAYABLE: usize = 1024 * 1024;

impl Relay {
    pub(super) fn new(source: TokenSource) -> anyhow::Result<Self> {
        let transport = Transport::new(source.profile().ca_file.as_deref()).map_err(Error::from)?;
        let shows = source.profile().load_dialect()?.map(|dialect| dialect.shows).unwrap_or_default();
        let carriers = shows.iter().flat_map(|show| show.carriers()).collect();
        Ok(Self { source, transport, carriers })
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
        self.source.replace(refused).await.unwrap_or_else(|error| {
            say(&format!("warning: the API refuses the token, and there is no other: {error}"));
            None
        })
    }

    async fn send(&self, head: &Parts, body: Body, token: &Token) -> anyhow::Result<Response> {
        let target = self.without_token(head.uri.path_and_query().map_or("/", |target| target.as_str()));
        let base = self.source.url(token).trim_end_matches('/');
        let mut uri: Uri = format!("{base}{target}").parse().context("the call's address is none")?;
        let mut headers = head.headers.clone();
        self.source.add_to(token, &head.method, &mut uri, &mut headers)?;
        let mut request = http::Request::new(body);
        *request.method_mut() = head.method.clone();
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        let answer = self.transport.stream(request).await.map_err(Error::from)?;
        let mut answer = answer.map(Body::new);
        headers::remove_hop_by_hop(answer.headers_mut());
        self.keep_here(token, answer.headers_mut());
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
    fn keep_here(&self, token: &Token, headers: &mut HeaderMap) {
        let base = self.source.url(token).trim_end_matches('/');
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
